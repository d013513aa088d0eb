//! The wire messages of the Terraform plugin protocol (tfplugin6, as of 6.11), of go-plugin and of
//! the gRPC health service.
//!
//! The `.proto` files beside this crate are the source. The Rust code under `src/generated` is made
//! from them and checked in, so building needs no `protoc`; a test regenerates it and compares.
//! Servers answer Unimplemented to every method that they leave out.
//!
//! This crate knows nothing about values, schemas or plans: see the `tfplugin` crate for those.

/// The provider protocol: package `tfplugin6`.
#[allow(missing_docs, unreachable_pub, deprecated, clippy::all)]
pub mod tfplugin6 {
    include!("generated/tfplugin6.rs");
}

/// The services of go-plugin: package `plugin`.
#[allow(missing_docs, unreachable_pub, deprecated, clippy::all)]
pub mod goplugin {
    include!("generated/plugin.rs");
}

/// The health service: package `grpc.health.v1`.
#[allow(missing_docs, unreachable_pub, deprecated, clippy::all)]
pub mod health {
    include!("generated/grpc.health.v1.rs");
}
