//! Paths as a file names them that somebody may move.

use std::path::{Path, PathBuf, absolute};

/// `path` as a file in `folder` names it, both from where the program runs: relative if it lies there, so that both can
/// be moved, and whole otherwise.
pub(crate) fn seen_from(folder: &Path, path: &Path) -> PathBuf {
    let path = whole(path);
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    path.strip_prefix(whole(folder)).map(PathBuf::from).unwrap_or(path)
}

/// `path` from the root; what is not there yet may be named as well.
pub(crate) fn whole(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| absolute(path)).unwrap_or_else(|_| path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_the_folder_is_relative_whether_it_is_there_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("cat.png");
        std::fs::write(&there, "").unwrap();
        assert_eq!(seen_from(folder.path(), &there), Path::new("cat.png"));
        let inside = folder.path().canonicalize().unwrap().join("pictures/dog.png");
        assert_eq!(seen_from(folder.path(), &inside), Path::new("pictures/dog.png"));
        assert_eq!(seen_from(&folder.path().join("pictures"), &there), there.canonicalize().unwrap());
        assert_eq!(seen_from(Path::new(""), Path::new("src/main.rs")), Path::new("src/main.rs"));
    }
}
