# The server over HTTP, alone in an empty image.
#
#   docker build -t incident-mcp .
#   docker run --rm --read-only -p 127.0.0.1:7330:7330 incident-mcp
#
# Options go behind the image's name, `--help` for all of them; every setting of README.md can also be a variable (-e).
# The control plane needs a token here, since nothing in a container is on the host's loopback. Keep its port from agents:
#
#   docker run --rm -p 127.0.0.1:7330:7330 -p 127.0.0.1:7331:7331 -v incidents:/state -e INCIDENT_MCP_CONTROL_TOKEN \
#     incident-mcp --control 0.0.0.0:7331 --state /state

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
# A static binary needs no file of an operating system. The target is named so that build scripts and macros are not static too.
RUN target="$(uname -m)-unknown-linux-gnu" \
    && RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --bin incident-mcp --target "$target" \
    && mkdir -p /image/state \
    && cp "target/$target/release/incident-mcp" /image/

FROM scratch
# Nobody's number, as distroless images have it; also the owner of a new volume at /state.
COPY --from=build --chown=65532:65532 /image/ /
USER 65532:65532
EXPOSE 7330
# There is no HEALTHCHECK, since there is no shell and no other program to ask with: let the orchestrator ask
# GET /healthz and GET /readyz at port 7330.
ENTRYPOINT ["/incident-mcp", "serve", "--http", "0.0.0.0:7330"]
