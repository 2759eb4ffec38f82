# The server over HTTP, alone in an empty image.
#
#   docker build -t incident-mcp .
#   docker run --rm --read-only -p 127.0.0.1:7330:7330 incident-mcp
#
# Options go behind the image's name, `--help` for all of them; every setting of docs/clients.md can also be a variable (-e).
# The control plane needs a token here, since nothing in a container is on the host's loopback. Keep its port from agents:
#
#   docker run --rm -p 127.0.0.1:7330:7330 -p 127.0.0.1:7331:7331 -v incidents:/state -e INCIDENT_MCP_CONTROL_TOKEN \
#     incident-mcp --control 0.0.0.0:7331 --state /state

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
# A static binary needs no file of an operating system. The target is named so that build scripts and macros are not static too.
RUN target="$(uname -m)-unknown-linux-gnu" \
    && RUSTFLAGS="-C target-feature=+crt-static" cargo build --profile dist --locked --bin incident-mcp --target "$target" \
    && mkdir -p /image/state \
    && cp "target/$target/dist/incident-mcp" /image/

FROM scratch
LABEL org.opencontainers.image.title=incident-mcp org.opencontainers.image.licenses=Apache-2.0
# Nobody's number, as distroless images have it; also the owner of a new volume at /state.
COPY --from=build --chown=65532:65532 /image/ /
USER 65532:65532
EXPOSE 7330
# There is no other program to ask with.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/incident-mcp", "health", "http://127.0.0.1:7330"]
ENTRYPOINT ["/incident-mcp", "serve", "--http", "0.0.0.0:7330"]
