//! Serving an episode over standard input and output.

use super::Server;
use super::orderly::Orderly;
use super::pipe::Pipe;
use rmcp::ServiceExt;
use tokio::io::{AsyncRead, AsyncWrite};

/// Most requests that are at work at once: more than a client has in flight that waits for answers, and few enough that a million
/// piped calls fit in the memory. Of more, rmcp would answer some out of turn, as its own queue of answers is as long.
const AT_WORK: usize = 64;

/// Serve until the client closes its end and all that it asked is answered.
///
/// On a current-thread runtime with `stdio_pipes()`: the cheapest, and the one on which calls run in arrival order.
pub async fn serve(server: Server) -> std::io::Result<()> {
    let (input, output) = rmcp::transport::io::stdio_pipes();
    serve_over(server, input, output).await
}

/// The same over other streams.
pub async fn serve_over<R, W>(server: Server, input: R, output: W) -> std::io::Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    match server.serve(Orderly::new(Pipe::new(input, output), AT_WORK)).await {
        Ok(running) => running.waiting().await.map(drop).map_err(std::io::Error::other),
        // A client that asks what there is and leaves, or leaves at once, ends the session cleanly.
        Err(error) => {
            tracing::debug!("the client left before it began: {error}");
            Ok(())
        }
    }
}
