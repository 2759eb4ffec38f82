//! Rebuild when the embedded data files change; `include_dir` alone does not notice new files.

fn main() {
    println!("cargo:rerun-if-changed=../../mapping");
}
