# A trainer with a GPU, by the cargo feature `wgpu` and the driver's Vulkan.
#
#   docker build -f docker/gpu.Dockerfile -t stp-gpu .
#   docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all -v "$PWD/runs:/trainer/runs" stp-gpu --device wgpu
#
# What was checked: there was no container engine where this was written, and no GPU, so no image
# was ever built. By hand, on Debian 12: that the packages have these names, and `stp toolchain install`.
# That the driver's Vulkan is found in such a container was not tried.

FROM rust:1.95-bookworm AS build
WORKDIR /stp
COPY . .
RUN cargo build --release --locked --bin stp --features wgpu

FROM node:24-bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libvulkan1 vulkan-tools \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /stp/target/release/stp /usr/local/bin/stp
ENV STP_HOME=/var/lib/stp
RUN stp toolchain install && stp toolchain status
WORKDIR /trainer
ENTRYPOINT ["stp", "train"]
