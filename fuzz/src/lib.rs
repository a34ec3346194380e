//! What the fuzz targets run: [`targets`], over the program's protocol layer.
//!
//! The layer is built from its source instead of the whole program: it depends on nothing above it, so a build takes a minute
//! and the coverage that guides the fuzzer is of the code that reads bytes.

#[path = "../../src/protocol/mod.rs"]
pub mod protocol;
pub mod targets;
