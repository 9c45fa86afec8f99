//! Short names for what a wasm module imports from its glue.
//!
//! wasm-bindgen names each import by what it does and a hash, and each name is downloaded twice,
//! in the module and in the glue.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

/// The id of a module's section of imports.
const IMPORTS: u8 = 2;
/// The length of what stands before the sections.
const HEAD: usize = 8;

/// Gives each function that `wasm` imports from `module` (the glue) a short name, in both.
pub(crate) fn shorten(wasm: &[u8], glue: &str, module: &str) -> Result<(Vec<u8>, String)> {
    let mut names = BTreeMap::new();
    let (mut out, mut rest) = (wasm.get(..HEAD).context("no wasm")?.to_vec(), &wasm[HEAD..]);
    while let Some((&id, after)) = rest.split_first() {
        rest = after;
        let body = bytes(&mut rest)?;
        let renamed = if id == IMPORTS { rename(body, module, &mut names)? } else { body.to_vec() };
        out.push(id);
        put_bytes(&mut out, &renamed);
    }
    let mut short = String::with_capacity(glue.len());
    let mut seen = 0;
    for word in glue.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$') {
        match word.strip_suffix(':').and_then(|name| names.get(name)) {
            Some(name) => {
                short.extend([name, ":"]);
                seen += 1;
            }
            None => short.push_str(word),
        }
    }
    ensure!(seen == names.len(), "{} imports, of which the glue has {seen}", names.len());
    Ok((out, short))
}

/// A section of imports under new names, which are added to `names`.
fn rename(mut body: &[u8], module: &str, names: &mut BTreeMap<String, String>) -> Result<Vec<u8>> {
    let count = number(&mut body)?;
    let mut out = Vec::new();
    put_number(&mut out, count);
    for _ in 0..count {
        let (from, name) = (bytes(&mut body)?, str::from_utf8(bytes(&mut body)?)?);
        let Some((0, after)) = body.split_first().map(|(&kind, after)| (kind, after)) else {
            bail!("`{name}` is imported and no function");
        };
        body = after;
        let kind = number(&mut body)?;
        put_bytes(&mut out, from);
        if from == module.as_bytes() {
            let short = letters(names.len());
            put_bytes(&mut out, short.as_bytes());
            names.insert(name.to_owned(), short);
        } else {
            put_bytes(&mut out, name.as_bytes());
        }
        out.push(0);
        put_number(&mut out, kind);
    }
    Ok(out)
}

/// `a` to `z`, `ba` to `bz` and so on.
fn letters(mut n: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'a' + (n % 26) as u8);
        n /= 26;
        if n == 0 {
            return letters.iter().rev().copied().map(char::from).collect();
        }
    }
}

/// Takes an unsigned LEB128.
fn number(from: &mut &[u8]) -> Result<usize> {
    let mut number = 0;
    for shift in (0..28).step_by(7) {
        let (&byte, rest) = from.split_first().context("the module ends in a number")?;
        *from = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    bail!("a number in the module is too large")
}

/// Takes bytes with their length before them.
fn bytes<'a>(from: &mut &'a [u8]) -> Result<&'a [u8]> {
    let length = number(from)?;
    let (taken, rest) = from.split_at_checked(length).context("the module is cut off")?;
    *from = rest;
    Ok(taken)
}

fn put_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len());
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(imports: &[(&str, &str)]) -> Vec<u8> {
        let mut body = Vec::new();
        put_number(&mut body, imports.len());
        for (from, name) in imports {
            put_bytes(&mut body, from.as_bytes());
            put_bytes(&mut body, name.as_bytes());
            body.extend([0, 1]);
        }
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        wasm.push(IMPORTS);
        put_bytes(&mut wasm, &body);
        // A section that is none of our business.
        wasm.extend([0, 2, 1, b'x']);
        wasm
    }

    #[test]
    fn module_and_glue_agree_on_short_names() {
        let wasm = module(&[("./g.js", "__wbg_now_01"), ("./snippet.js", "load"), ("./g.js", "b")]);
        let glue = "const i = { __wbg_now_01: function() {}, b: 1 }; get__wbg_now_01(load)";
        let (wasm, glue) = shorten(&wasm, glue, "./g.js").unwrap();
        assert_eq!(wasm, module(&[("./g.js", "a"), ("./snippet.js", "load"), ("./g.js", "b")]));
        assert_eq!(glue, "const i = { a: function() {}, b: 1 }; get__wbg_now_01(load)");
    }

    #[test]
    fn a_glue_that_lacks_an_import_is_not_taken() {
        assert!(shorten(&module(&[("./g.js", "a")]), "{}", "./g.js").is_err());
        assert!(shorten(&module(&[("./g.js", "a")])[..14], "a:", "./g.js").is_err());
    }

    #[test]
    fn names_by_number() {
        assert_eq!([0, 25, 26, 52].map(letters), ["a", "z", "ba", "ca"]);
    }
}
