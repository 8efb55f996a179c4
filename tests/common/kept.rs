//! Compares the published numbers and names with the lists in tests/abi. None may be removed or changed
//! (docs/versioning.md).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Returns whether `make abi` runs this.
pub fn is_renewing() -> bool {
    std::env::var_os("DCS_WRITE_ABI").is_some()
}

/// Fails if the file lists a line that is gone, or lacks a current one, which `make abi` adds.
pub fn compare(path: &Path, current: &BTreeSet<String>) {
    let (about, list): (Vec<_>, Vec<_>) = fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .partition(|line| line.starts_with('#'));
    let mut list: BTreeSet<String> = list.into_iter().collect();
    let gone: Vec<_> = list.difference(current).collect();
    assert!(
        gone.is_empty(),
        "removed or changed, but programs, scripts or monitoring may depend on them: {gone:#?}"
    );
    if is_renewing() {
        list.extend(current.iter().cloned());
        let mut written = about;
        written.extend(list.iter().cloned());
        fs::write(path, written.join("\n") + "\n").unwrap();
    }
    let new: Vec<_> = current.difference(&list).collect();
    assert!(
        new.is_empty(),
        "not recorded yet: run `make abi` and commit tests/abi: {new:#?}"
    );
}
