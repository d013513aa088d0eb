//! Regenerates the Rust code from the `.proto` files and compares it with what is checked in,
//! so that the two cannot drift apart and a build needs no `protoc`.
//!
//! `UPDATE_GENERATED=1 cargo test -p tfplugin-proto` rewrites the checked-in files.

use std::path::{Path, PathBuf};

/// The files that the generator writes, one per protobuf package.
const GENERATED: [&str; 3] = ["grpc.health.v1.rs", "plugin.rs", "tfplugin6.rs"];

#[test]
fn checked_in_code_matches_the_proto_files() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let checked_in = root.join("src/generated");
    let update = std::env::var_os("UPDATE_GENERATED").is_some();
    let fresh = if update {
        checked_in.clone()
    } else {
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("generated-{}", std::process::id()))
    };
    std::fs::create_dir_all(&fresh).expect("the output directory can be made");
    generate(&root, &fresh);
    for name in GENERATED {
        let want = std::fs::read_to_string(fresh.join(name)).expect("the generator wrote the file");
        let have = std::fs::read_to_string(checked_in.join(name)).unwrap_or_default();
        assert!(
            want == have,
            "src/generated/{name} is stale: run UPDATE_GENERATED=1 cargo test -p tfplugin-proto"
        );
    }
    if !update {
        std::fs::remove_dir_all(&fresh).expect("the output directory can be removed");
    }
}

/// Compiles the three `.proto` files with protox and writes Rust into `out`.
fn generate(root: &Path, out: &Path) {
    let files = ["tfplugin6.proto", "goplugin.proto", "health.proto"];
    let descriptors = protox::compile(files, [root]).expect("the .proto files are valid");
    tonic_prost_build::configure()
        .build_client(true)
        .build_server(true)
        .generate_default_stubs(true)
        .btree_map(".")
        .emit_rerun_if_changed(false)
        .out_dir(out)
        .compile_fds(descriptors)
        .expect("code can be generated");
}
