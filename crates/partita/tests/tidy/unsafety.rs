//! Where `unsafe` may stand.

use crate::Finding;
use crate::source::Source;

/// The modules that may hold `unsafe`, as prefixes of paths.
const ALLOWED: [&str; 3] =
    ["crates/partita-columns/src/", "crates/partita-formats/src/simd", "crates/partita-runtime/src/os"];

/// `unsafe` outside of the few modules that may have it, tests included.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    if ALLOWED.iter().any(|prefix| source.path.starts_with(prefix)) {
        return Vec::new();
    }
    let message = "`unsafe` lives in columns, formats::simd and runtime::os only";
    source
        .words("unsafe")
        .into_iter()
        .map(|at| Finding::new(&source.path, source.line(at), message))
        .collect()
}

#[test]
fn unsafe_elsewhere_is_found() {
    let text = "//! No unsafe here.\nfn f(p: *const u8) -> u8 {\n    unsafe { *p }\n}\n#[deny(unsafe_code)]\nfn g() {}\n";
    let found = check(&Source::new("crates/partita-plan/src/lib.rs", text));
    assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [3]);
    assert_eq!(check(&Source::new("crates/partita-formats/src/csv/split.rs", text)).len(), 1);
    assert_eq!(check(&Source::new("crates/partita-formats/src/simd/x86.rs", text)), []);
    assert_eq!(check(&Source::new("crates/partita-columns/src/polars.rs", text)), []);
}
