//! Serving an episode over standard input and output.

use super::Server;
use super::lines::Lines;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{RoleServer, ServiceExt};

/// Serve until the client closes its end.
///
/// On a current-thread runtime with `stdio_pipes()`: the cheapest, and the one on which calls run in arrival order.
pub async fn serve(server: Server) -> std::io::Result<()> {
    let (input, output) = rmcp::transport::io::stdio_pipes();
    let transport = AsyncRwTransport::<RoleServer, _, _>::new_server(Lines::new(input), output);
    match server.serve(transport).await {
        Ok(running) => running.waiting().await.map(drop).map_err(std::io::Error::other),
        // A client that asks what there is and leaves, or leaves at once, ends the session cleanly.
        Err(error) => {
            tracing::debug!("the client left before it began: {error}");
            Ok(())
        }
    }
}
