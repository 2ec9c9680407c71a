//! Finds libdora: in the folder that DORA_LIB_DIR names (static), or by pkg-config (shared, unless that finds the archive
//! alone).
use std::{env, process::Command};

fn main() {
    println!("cargo:rerun-if-env-changed=DORA_LIB_DIR");
    if let Ok(folder) = env::var("DORA_LIB_DIR") {
        println!("cargo:rerun-if-changed={folder}/libdora.a");
        println!("cargo:rustc-link-search=native={folder}");
        println!("cargo:rustc-link-lib=static=dora");
        return;
    }
    let found = Command::new("pkg-config").args(["--libs", "dora"]).output();
    let flags = match found {
        Ok(found) if found.status.success() => String::from_utf8_lossy(&found.stdout).into_owned(),
        _ => panic!("libdora is not found: set DORA_LIB_DIR to the folder of libdora.a, or install libdora-dev"),
    };
    for flag in flags.split_whitespace() {
        if let Some(folder) = flag.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={folder}");
        } else if let Some(name) = flag.strip_prefix("-l") {
            println!("cargo:rustc-link-lib={name}");
        }
    }
}
