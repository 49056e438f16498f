# A verifier's worker: judges proofs that come from a NATS server (docs/serving.md), with the managed Lean inside.
#
#   docker build -f docker/worker.Dockerfile -t stp-worker .
#   docker run stp-worker --nats nats://HOST:4222
#
# What was checked: there was no container engine where this was written, so no image was ever
# built. By hand, on Debian 12: the second stage's commands, `stp toolchain install` as a system user without a home (13 s,
# 480 MB). hadolint has nothing against the file but the user's name in place of a number.
#
# Each Lean process wants a sandbox of its own; what a container's rules leave of it, the first lines of the worker say.

FROM rust:1.95-bookworm AS build
WORKDIR /stp
COPY . .
RUN cargo build --release --locked --bin stp

FROM node:24-bookworm-slim
COPY --from=build /stp/target/release/stp /usr/local/bin/stp
ENV STP_HOME=/var/lib/stp
RUN useradd --system --no-create-home stp && install -d -o stp -g stp "$STP_HOME"
USER stp
# Here and not at the start of each worker. npm is needed for it, and nothing of npm afterwards.
RUN HOME=/tmp stp toolchain install && stp toolchain status
ENTRYPOINT ["stp", "worker"]
