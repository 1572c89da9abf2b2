//! The folder of one repository in the cache, laid out as all programs of the hub lay it out.
//!
//! ```text
//! models--OWNER--NAME/
//!   refs/main                            the commit that this revision named when it was last asked for
//!   snapshots/COMMIT/unet/config.json ─▶ ../../../blobs/CHECKSUM, a link
//!   blobs/CHECKSUM                       a whole file
//!   blobs/CHECKSUM.incomplete            the beginning of one
//! .locks/models--OWNER--NAME/CHECKSUM.lock
//! ```
//!
//! Source: huggingface_hub `file_download.py`.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::progress::Teller;
use crate::{HubError, ModelId, model_id};

/// The pause between two looks at a lock that another program holds.
const LOCK_PAUSE: Duration = Duration::from_millis(200);

/// The folder of a repository.
pub(crate) struct RepoCache {
    folder: PathBuf,
    locks: PathBuf,
}

impl RepoCache {
    pub(crate) fn new(cache: &Path, id: &ModelId) -> Self {
        let name = format!("models--{}", id.name().replace('/', "--"));
        Self { folder: cache.join(&name), locks: cache.join(".locks").join(name) }
    }

    /// The commit that `id` named when it was last asked for.
    pub(crate) fn commit(&self, id: &ModelId) -> Option<String> {
        if let Some(commit) = id.commit() {
            return Some(commit.into());
        }
        let text = fs::read_to_string(self.folder.join("refs").join(id.revision())).ok()?;
        let commit = text.trim();
        model_id::is_commit(commit).then(|| commit.into())
    }

    /// The folder with the files of `commit`.
    pub(crate) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// Paths, from the snapshot's folder on, of the files of `commit` that are whole; those in the snapshot's own
    /// folder, and those one folder below.
    pub(crate) fn files(&self, commit: &str) -> BTreeSet<String> {
        let snapshot = self.snapshot(commit);
        let mut files = BTreeSet::new();
        for name in names(&snapshot) {
            let path = snapshot.join(&name);
            if path.is_dir() {
                let inside = names(&path).into_iter().filter(|inside| path.join(inside).is_file());
                files.extend(inside.map(|inside| format!("{name}/{inside}")));
            } else if path.is_file() {
                files.insert(name);
            }
        }
        files
    }

    /// Where the file with this checksum is, once it is whole.
    pub(crate) fn blob(&self, checksum: &str) -> PathBuf {
        self.folder.join("blobs").join(checksum)
    }

    /// Where its beginning is until then.
    pub(crate) fn incomplete(&self, checksum: &str) -> PathBuf {
        self.folder.join("blobs").join(format!("{checksum}.incomplete"))
    }

    /// Waits until no other program fetches the file with this checksum, and keeps others off until the result is
    /// dropped.
    pub(crate) fn lock(&self, checksum: &str, teller: &mut Teller<'_>) -> Result<File, HubError> {
        let path = self.locks.join(format!("{checksum}.lock"));
        create_folder_of(&path)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(at(&path))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => teller.wait(LOCK_PAUSE)?,
                // Without locks, two programs that fetch the same file spoil its beginning for each other; its
                // checksum tells, and no other harm is done.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(file);
                }
                Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
            }
        }
    }

    /// Gives what has been fetched its name.
    pub(crate) fn publish(&self, checksum: &str) -> Result<(), HubError> {
        let (from, to) = (self.incomplete(checksum), self.blob(checksum));
        // Before the renaming: after a power cut there must be all of it under its name, or nothing.
        File::open(&from).and_then(|file| file.sync_all()).map_err(at(&from))?;
        fs::rename(&from, &to).map_err(at(&to))
    }

    /// Makes the file with this checksum `file` of `commit`.
    pub(crate) fn link(&self, commit: &str, file: &str, checksum: &str) -> Result<(), HubError> {
        let (blob, path) = (self.blob(checksum), self.snapshot(commit).join(file));
        if path.is_file() {
            return Ok(());
        }
        create_folder_of(&path)?;
        let up = "../".repeat(2 + file.split('/').count() - 1);
        let temporary = path.with_added_extension(format!("{}.tmp", std::process::id()));
        let _ = fs::remove_file(&temporary); // of an earlier process with this number
        link_or_copy(&PathBuf::from(format!("{up}blobs/{checksum}")), &blob, &temporary)
            .and_then(|()| fs::rename(&temporary, &path))
            .map_err(at(&path))
    }

    /// Notes that `id` names `commit`.
    pub(crate) fn set_commit(&self, id: &ModelId, commit: &str) -> Result<(), HubError> {
        if self.commit(id).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.folder.join("refs").join(id.revision());
        create_folder_of(&path)?;
        let temporary = path.with_added_extension(format!("{}.tmp", std::process::id()));
        fs::write(&temporary, commit).and_then(|()| fs::rename(&temporary, &path)).map_err(at(&path))
    }
}

/// A link with the text `relative`, or where the system makes none, a copy of `blob`.
fn link_or_copy(relative: &Path, blob: &Path, to: &Path) -> io::Result<()> {
    #[cfg(unix)]
    let linked = std::os::unix::fs::symlink(relative, to);
    #[cfg(windows)]
    let linked = std::os::windows::fs::symlink_file(relative, to);
    linked.or_else(|_| fs::hard_link(blob, to)).or_else(|_| fs::copy(blob, to).map(drop))
}

/// The error of this crate for what happened to the file at `path`.
pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> HubError {
    move |source| HubError::Cache { path: path.into(), source }
}

pub(crate) fn create_folder_of(path: &Path) -> Result<(), HubError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(at(folder))
}

/// Names of what is in `folder`, none if there is no such folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
