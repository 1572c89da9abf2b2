# gligen as a server: `docker build -t gligen . && docker run -p 7788:7788 gligen`, then http://localhost:7788
FROM rust:1.95-bookworm AS build
WORKDIR /gligen
COPY . .
RUN cargo build --release --locked --package gligen-cli

# No shell, no package manager, and a user who is not root.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /gligen/target/release/gligen /usr/local/bin/gligen
# Models of the hub, if a volume is put here.
ENV HF_HOME=/home/nonroot/huggingface
EXPOSE 7788
ENTRYPOINT ["gligen"]
CMD ["serve", "--host", "0.0.0.0"]
