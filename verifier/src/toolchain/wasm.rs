//! Rewriting of the WebAssembly binary: fewer exports, all functions in the table.
//!
//! The build exports each of its 190,000 functions by name, because Lean's interpreter looks symbols up at
//! run time. The engine makes several objects of every export, in every thread: most of what a process
//! weighs. Here the functions get places in the function table instead, and a hash table beside the binary
//! says which symbol has which place; only what the start script itself calls stays exported. The table itself comes
//! from the start script, which catches exceptions in a module of its own that needs the same table.

use std::collections::{HashMap, HashSet};

const MAGIC: &[u8] = b"\0asm\x01\0\0\0";
const CUSTOM: u8 = 0;
const IMPORT: u8 = 2;
const TABLE: u8 = 4;
const GLOBAL: u8 = 6;
const EXPORT: u8 = 7;
const ELEMENT: u8 = 9;
const FUNCTION_KIND: u8 = 0;
const GLOBAL_KIND: u8 = 3;
/// Marks the address of data among places in the function table.
const DATA: u32 = 1 << 31;
const MALFORMED: &str = "the WebAssembly binary is not of the expected form";

/// The rewritten binary and its symbols.
pub(super) struct Rewritten {
    /// The binary.
    pub(super) wasm: Vec<u8>,
    /// Slots of three little-endian words: two hashes of the symbol and its place in the function table, or
    /// its address with the highest bit set; 0 in an empty slot. Their number is a power of two, and they
    /// are probed linearly from the first hash.
    pub(super) symbols: Vec<u8>,
    /// The places of the function table that the binary imports.
    pub(super) places: usize,
}

struct Export<'a> {
    name: &'a str,
    kind: u8,
    index: u32,
}

/// Cuts the exports down to those in `keep`, and to what the binary imports from itself.
pub(super) fn rewrite(wasm: &[u8], keep: &HashSet<&str>) -> Result<Rewritten, &'static str> {
    let sections = sections(wasm).ok_or(MALFORMED)?;
    let find = |id: u8| sections.iter().find(|section| section.0 == id).map(|section| section.1);
    let exports = find(EXPORT).and_then(exports).ok_or(MALFORMED)?;
    let elements = find(ELEMENT).and_then(elements).ok_or(MALFORMED)?;
    let imports = find(IMPORT).ok_or(MALFORMED)?;
    let (imported, imported_globals) = imported(imports).ok_or(MALFORMED)?;
    let addresses = find(GLOBAL).and_then(addresses).ok_or(MALFORMED)?;
    // The linking section names symbols that the script asks for at the start.
    let linking = String::from_utf8_lossy(find(CUSTOM).ok_or(MALFORMED)?);
    let kept = |export: &Export| {
        keep.contains(export.name)
            || imported.contains(export.name)
            || (export.kind != FUNCTION_KIND && linking.contains(export.name))
    };

    let mut table = elements;
    let mut places: HashMap<u32, u32> = HashMap::new();
    for (place, &function) in (1..).zip(&table) {
        places.entry(function).or_insert(place);
    }
    let mut symbols = Vec::new();
    for export in exports.iter().filter(|export| export.kind == FUNCTION_KIND) {
        let next = u32::try_from(table.len() + 1).map_err(|_| MALFORMED)?;
        let place = *places.entry(export.index).or_insert_with(|| {
            table.push(export.index);
            next
        });
        symbols.push((export.name, place));
    }

    for export in exports.iter().filter(|export| export.kind == GLOBAL_KIND) {
        let index = export.index.checked_sub(imported_globals).ok_or(MALFORMED)? as usize;
        if let Some(address) = addresses.get(index).ok_or(MALFORMED)? {
            symbols.push((export.name, address | DATA));
        }
    }

    let mut out = Vec::with_capacity(wasm.len());
    out.extend_from_slice(MAGIC);
    for (id, body) in &sections {
        match *id {
            IMPORT => {
                let body = import_section(imports, table.len() + 1).ok_or(MALFORMED)?;
                push_section(&mut out, IMPORT, &body);
            }
            TABLE => {}
            EXPORT => push_section(&mut out, EXPORT, &export_section(exports.iter().filter(|e| kept(e)))),
            ELEMENT => push_section(&mut out, ELEMENT, &element_section(&table)),
            id => push_section(&mut out, id, body),
        }
    }
    let symbols = hash_table(&symbols).ok_or(MALFORMED)?;
    Ok(Rewritten { wasm: out, symbols, places: table.len() + 1 })
}

/// The names of what the binary needs of the script.
pub(super) fn imports(wasm: &[u8]) -> Result<HashSet<&str>, &'static str> {
    let sections = sections(wasm).ok_or(MALFORMED)?;
    let body = sections.iter().find(|section| section.0 == IMPORT).map(|section| section.1);
    Ok(body.and_then(imported).ok_or(MALFORMED)?.0)
}

fn sections(wasm: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut rest = wasm.strip_prefix(MAGIC)?;
    let mut sections = Vec::new();
    while let Some(id) = byte(&mut rest) {
        let length = number(&mut rest)?;
        sections.push((id, take(&mut rest, length)?));
    }
    Some(sections)
}

fn exports(mut body: &[u8]) -> Option<Vec<Export<'_>>> {
    let count = number(&mut body)?;
    (0..count)
        .map(|_| Some(Export { name: text(&mut body)?, kind: byte(&mut body)?, index: number(&mut body)? }))
        .collect()
}

/// The functions of the one active segment, which fills the table from place 1.
fn elements(mut body: &[u8]) -> Option<Vec<u32>> {
    body = body.strip_prefix(&[1, 0, 0x41, 1, 0x0b])?;
    let count = number(&mut body)?;
    (0..count).map(|_| number(&mut body)).collect()
}

/// The values of the constant globals: addresses of data.
fn addresses(mut body: &[u8]) -> Option<Vec<Option<u32>>> {
    let count = number(&mut body)?;
    (0..count)
        .map(|_| {
            let (kind, variable) = (byte(&mut body)?, byte(&mut body)? == 1);
            let (instruction, value) = (byte(&mut body)?, number(&mut body)?);
            let constant = kind == 0x7f && instruction == 0x41 && !variable && value != 0 && value < DATA;
            (byte(&mut body)? == 0x0b).then_some(constant.then_some(value))
        })
        .collect()
}

/// The names that the binary imports (its own exports among them must stay), and how many are globals.
fn imported(mut body: &[u8]) -> Option<(HashSet<&str>, u32)> {
    let count = number(&mut body)?;
    let mut names = HashSet::new();
    let mut globals = 0;
    for _ in 0..count {
        text(&mut body)?;
        names.insert(text(&mut body)?);
        match byte(&mut body)? {
            0 => drop(number(&mut body)?),
            kind @ (1 | 2) => {
                if kind == 1 {
                    byte(&mut body)?;
                }
                let bounded = byte(&mut body)? & 1 == 1;
                number(&mut body)?;
                if bounded {
                    number(&mut body)?;
                }
            }
            GLOBAL_KIND => {
                take(&mut body, 2)?;
                globals += 1;
            }
            4 => {
                byte(&mut body)?;
                number(&mut body)?;
            }
            _ => return None,
        }
    }
    Some((names, globals))
}

/// The same imports, and the function table.
fn import_section(mut imports: &[u8], places: usize) -> Option<Vec<u8>> {
    let count = number(&mut imports)?;
    let mut body = Vec::with_capacity(imports.len() + 64);
    push_number(&mut body, count as usize + 1);
    body.extend_from_slice(imports);
    for name in ["env", "__indirect_function_table"] {
        push_number(&mut body, name.len());
        body.extend_from_slice(name.as_bytes());
    }
    body.extend_from_slice(&[1, 0x70, 0]);
    push_number(&mut body, places);
    Some(body)
}

fn element_section(functions: &[u32]) -> Vec<u8> {
    let mut body = vec![1, 0, 0x41, 1, 0x0b];
    push_number(&mut body, functions.len());
    for &function in functions {
        push_number(&mut body, function as usize);
    }
    body
}

fn export_section<'a>(exports: impl Iterator<Item = &'a Export<'a>>) -> Vec<u8> {
    let mut items = Vec::new();
    let mut count = 0;
    for export in exports {
        count += 1;
        push_number(&mut items, export.name.len());
        items.extend_from_slice(export.name.as_bytes());
        items.push(export.kind);
        push_number(&mut items, export.index as usize);
    }
    let mut body = Vec::with_capacity(items.len() + 5);
    push_number(&mut body, count);
    body.extend(items);
    body
}

fn hash_table(symbols: &[(&str, u32)]) -> Option<Vec<u8>> {
    let slots = (symbols.len() * 4 / 3).next_power_of_two();
    let mut table: Vec<Option<(u32, u32, u32)>> = vec![None; slots];
    for &(name, place) in symbols {
        let (first, second) = hashes(name);
        let mut slot = first as usize & (slots - 1);
        while let Some((other_first, other_second, _)) = table[slot] {
            if (other_first, other_second) == (first, second) {
                return None;
            }
            slot = (slot + 1) & (slots - 1);
        }
        table[slot] = Some((first, second, place));
    }
    let words = table.into_iter().map(Option::unwrap_or_default).flat_map(|(a, b, c)| [a, b, c]);
    Some(words.flat_map(u32::to_le_bytes).collect())
}

/// The same two functions as in the script's part (see `patch.rs`).
fn hashes(name: &str) -> (u32, u32) {
    name.bytes().fold((0x811c_9dc5, 0x9747_b28c), |(first, second): (u32, u32), byte| {
        (
            (first ^ u32::from(byte)).wrapping_mul(0x0100_0193),
            (second ^ u32::from(byte)).rotate_left(5).wrapping_mul(0x9e37_79b1),
        )
    })
}

fn push_section(out: &mut Vec<u8>, id: u8, body: &[u8]) {
    out.push(id);
    push_number(out, body.len());
    out.extend_from_slice(body);
}

fn push_number(out: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (&first, tail) = rest.split_first()?;
    *rest = tail;
    Some(first)
}

fn take<'a>(rest: &mut &'a [u8], length: u32) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length as usize)?;
    *rest = tail;
    Some(head)
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = number(rest)?;
    std::str::from_utf8(take(rest, length)?).ok()
}

/// An unsigned LEB128 number.
fn number(rest: &mut &[u8]) -> Option<u32> {
    let mut value = 0u32;
    for shift in (0..35).step_by(7) {
        let next = byte(rest)?;
        value |= u32::from(next & 0x7f).checked_shl(shift)?;
        if next & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two functions `a` and `b`, of which only `a` is in the table, and data `q`; all three are exported.
    fn module() -> Vec<u8> {
        let mut wasm = MAGIC.to_vec();
        for (id, body) in [
            (CUSTOM, b"\x08dylink.0".to_vec()),
            (1, vec![1, 0x60, 0, 0]),
            (IMPORT, [b"\x01\x03env\x01f\0\0".as_slice()].concat()),
            (3, vec![2, 0, 0]),
            (TABLE, vec![1, 0x70, 0, 2]),
            (GLOBAL, vec![1, 0x7f, 0, 0x41, 0x90, 0x01, 0x0b]),
            (EXPORT, b"\x03\x01a\0\x01\x01b\0\x02\x01q\x03\0".to_vec()),
            (ELEMENT, vec![1, 0, 0x41, 1, 0x0b, 1, 1]),
            (10, vec![2, 2, 0, 0x0b, 2, 0, 0x0b]),
        ] {
            push_section(&mut wasm, id, &body);
        }
        wasm
    }

    fn place(symbols: &[u8], name: &str) -> Option<u32> {
        let words: Vec<u32> =
            symbols.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let (first, second) = hashes(name);
        words.as_chunks::<3>().0.iter().find(|slot| slot[..2] == [first, second]).map(|slot| slot[2])
    }

    #[test]
    fn exports_that_are_not_kept_stay_reachable_through_the_table() {
        let rewritten = rewrite(&module(), &HashSet::from(["a"])).unwrap();
        let sections = sections(&rewritten.wasm).unwrap();
        let find = |id: u8| sections.iter().find(|section| section.0 == id).unwrap().1;
        let names: Vec<_> = exports(find(EXPORT)).unwrap().iter().map(|export| export.name).collect();
        assert_eq!(names, ["a"]);
        assert_eq!(elements(find(ELEMENT)).unwrap(), [1, 2]);
        let table = b"\x03env\x19__indirect_function_table\x01\x70\0\x03".as_slice();
        assert_eq!(find(IMPORT), [b"\x02\x03env\x01f\0\0".as_slice(), table].concat());
        assert!(sections.iter().all(|section| section.0 != TABLE));
        assert_eq!(rewritten.places, 3);
        assert_eq!(place(&rewritten.symbols, "a"), Some(1));
        assert_eq!(place(&rewritten.symbols, "b"), Some(2));
        assert_eq!(place(&rewritten.symbols, "c"), None);
        assert_eq!(place(&rewritten.symbols, "q"), Some(0x90 | DATA));
    }

    #[test]
    fn a_cut_binary_is_refused() {
        let whole = module();
        assert!(rewrite(&whole[..whole.len() - 1], &HashSet::new()).is_err());
        assert!(rewrite(b"", &HashSet::new()).is_err());
    }
}
