//! Embeds the playground: `index.html` and `pkg/` at the repository's root, as they are when the
//! server is built, into a table that `src/http/assets.rs` includes.
//!
//! Without a built page a notice takes its place that says how to build it.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Endings of the files that a browser asks for, with their types; `pkg/` has others besides.
const TYPES: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("json", "application/json"),
    ("wasm", "application/wasm"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
];
/// Files of `pkg/` that are for npm and not for the page.
const NOT_SERVED: &[&str] = &["package.json"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..").canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    // Where one isn't there, cargo asks again each time: so a page that is built later is found.
    println!("cargo::rerun-if-changed={}", root.join("index.html").display());
    println!("cargo::rerun-if-changed={}", root.join("pkg").display());

    let mut files = Vec::new();
    collect(&root.join("pkg"), "/pkg", &mut files)?;
    let index = root.join("index.html");
    if index.is_file() && files.iter().any(|(path, _)| path.ends_with(".wasm")) {
        files.push(("/index.html".to_owned(), index));
    } else {
        let notice = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("no-page.html");
        println!("cargo::rerun-if-changed={}", notice.display());
        files = vec![("/index.html".to_owned(), notice)];
    }
    files.sort();

    let mut table = String::from("static ASSETS: &[Asset] = &[\n");
    for (number, (path, file)) in files.iter().enumerate() {
        embed(&mut table, &out, number, path, file)?;
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// Adds the files below a directory that a page may ask for.
fn collect(dir: &Path, url: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{url}/{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, files)?;
        } else if content_type(&path).is_some() && !NOT_SERVED.contains(&name.as_str()) {
            files.push((path, entry.path()));
        }
    }
    Ok(())
}

fn content_type(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    TYPES.iter().find(|(known, _)| *known == ending).map(|(_, content_type)| *content_type)
}

/// Copies a file, its compressed form too where that saves a tenth, and writes its row.
fn embed(
    table: &mut String,
    out: &Path,
    number: usize,
    path: &str,
    file: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = fs::read(file)?;
    let content_type = content_type(path).ok_or_else(|| format!("{path} has no type"))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    let etag = format!("\"{:016x}\"", hasher.finish());

    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    let zipped = encoder.finish()?;
    let plain_name = out.join(format!("{number}.plain"));
    let gzip_name = out.join(format!("{number}.gz"));
    fs::write(&plain_name, &bytes)?;
    let gzip = if zipped.len() < bytes.len() / 10 * 9 {
        fs::write(&gzip_name, &zipped)?;
        format!("Some(include_bytes!({gzip_name:?}))")
    } else {
        "None".to_owned()
    };
    writeln!(
        table,
        "    Asset {{ path: {path:?}, content_type: {content_type:?}, etag: {etag:?}, \
         bytes: include_bytes!({plain_name:?}), gzip: {gzip} }},"
    )?;
    Ok(())
}
