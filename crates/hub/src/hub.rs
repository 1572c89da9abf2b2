//! From a name to a folder.

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::cache::{RepoCache, at};
use crate::client::{Client, Listing};
use crate::progress::Teller;
use crate::{HubError, ModelId, Progress, Settings, blob, needed};

/// A hub, and the cache of what has been fetched from it.
///
/// What is called `progress` below is told how a download goes, and stops it by [`ControlFlow::Break`]; what has come
/// by then is kept, and the next run goes on from there.
pub struct Hub {
    settings: Settings,
    client: Client,
}

impl Hub {
    /// The hub and the cache that `settings` name.
    pub fn new(settings: Settings) -> Self {
        Self { client: Client::new(&settings), settings }
    }

    /// The hub and the cache that the environment names.
    ///
    /// # Errors
    ///
    /// As [`Settings::from_env`].
    pub fn from_env() -> Result<Self, HubError> {
        Ok(Self::new(Settings::from_env()?))
    }

    /// The folder of the model `id`. If the cache has everything, the hub is not asked, whatever it may have by now.
    ///
    /// # Errors
    ///
    /// As [`Self::pull`]; without the network, [`HubError::Offline`] tells what the cache lacks.
    pub fn model(
        &self,
        id: &ModelId,
        progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<PathBuf, HubError> {
        match self.cached(id) {
            Ok(folder) => Ok(folder),
            Err(missing) if self.settings.offline => Err(self.offline(id, missing)),
            Err(_) => self.pull(id, progress),
        }
    }

    /// The folder of the model `id` as the hub has it now. Files that the cache has are not fetched again.
    ///
    /// # Errors
    ///
    /// A model that is not there, or not to be had; a network or a disk that fails; what comes damaged.
    pub fn pull(
        &self,
        id: &ModelId,
        progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<PathBuf, HubError> {
        let teller = &mut Teller(progress);
        let listing = self.list(id, teller)?;
        let has = |path: &str| listing.files.iter().any(|file| file == path);
        let files = needed::files(has).map_err(|missing| HubError::NotAModel {
            id: id.clone(),
            missing,
            weights: listing.files.iter().filter(|file| is_checkpoint(file)).cloned().collect(),
        })?;
        self.fetch(id, &listing, files, teller)?;
        Ok(self.cache(id).snapshot(&listing.commit))
    }

    /// The paths of single files of the repository `id`, as the hub has them now.
    ///
    /// # Errors
    ///
    /// As [`Self::pull`], and [`HubError::NoFile`].
    pub fn pull_files(
        &self,
        id: &ModelId,
        files: &[String],
        progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<PathBuf>, HubError> {
        let teller = &mut Teller(progress);
        let listing = self.list(id, teller)?;
        for file in files {
            if !listing.files.contains(file) || !needed::is_path(file) {
                return Err(HubError::NoFile { id: id.clone(), file: file.clone() });
            }
        }
        self.fetch(id, &listing, files.to_vec(), teller)?;
        let folder = self.cache(id).snapshot(&listing.commit);
        Ok(files.iter().map(|file| folder.join(file)).collect())
    }

    /// The folder of the model in the cache, or what is missing there.
    fn cached(&self, id: &ModelId) -> Result<PathBuf, Vec<String>> {
        let cache = self.cache(id);
        let commit = cache.commit(id).ok_or_else(|| vec![format!("the revision {}", id.revision())])?;
        let (folder, files) = (cache.snapshot(&commit), cache.files(&commit));
        for file in needed::files(|path| files.contains(path))? {
            if needed::is_index(&file) {
                let text = std::fs::read_to_string(folder.join(&file)).map_err(|_| vec![file.clone()])?;
                let shards = needed::shards(&file, &text).map_err(|_| vec![file.clone()])?;
                let missing: Vec<_> = shards.into_iter().filter(|shard| !files.contains(shard)).collect();
                if !missing.is_empty() {
                    return Err(missing);
                }
            }
        }
        Ok(folder)
    }

    fn list(&self, id: &ModelId, teller: &mut Teller<'_>) -> Result<Listing, HubError> {
        if self.settings.offline {
            return Err(self.offline(id, Vec::new()));
        }
        self.client.list(id, teller)
    }

    /// Puts `files`, and what indices among them name, into the cache.
    ///
    /// First all files are fetched, then the snapshot gets its links to them, and last the revision points at it: a run
    /// that is killed leaves no snapshot that lacks something.
    fn fetch(
        &self,
        id: &ModelId,
        listing: &Listing,
        mut files: Vec<String>,
        teller: &mut Teller<'_>,
    ) -> Result<(), HubError> {
        let cache = self.cache(id);
        let (client, commit) = (&self.client, listing.commit.as_str());
        for index in files.clone().into_iter().filter(|file| needed::is_index(file)) {
            let remote = client.look_up(id, commit, &index, teller)?;
            blob::fetch(client, id, &cache, &remote, 0, teller)?;
            let path = cache.blob(remote.checksum.text());
            let text = std::fs::read_to_string(&path).map_err(at(&path))?;
            let refused = |problem| HubError::Index { id: id.clone(), file: index.clone(), problem };
            let shards = needed::shards(&index, &text).map_err(refused)?;
            if let Some(shard) = shards.iter().find(|shard| !listing.files.contains(shard)) {
                return Err(refused(format!("names {shard}, which is not there")));
            }
            files.extend(shards);
        }

        let mut remotes = Vec::new();
        for file in &files {
            remotes.push(client.look_up(id, commit, file, teller)?);
        }
        let absent = || remotes.iter().filter(|remote| !cache.blob(remote.checksum.text()).is_file());
        let bytes = absent().filter_map(|remote| remote.size).sum();
        teller.tell(Progress::Start { files: absent().count(), bytes })?;
        let mut before = 0;
        for remote in absent() {
            blob::fetch(client, id, &cache, remote, before, teller)?;
            before += remote.size.unwrap_or(0);
            teller.tell(Progress::File { file: &remote.file })?;
        }
        for remote in &remotes {
            cache.link(commit, &remote.file, remote.checksum.text())?;
        }
        if id.commit().is_none() { cache.set_commit(id, commit) } else { Ok(()) }
    }

    fn cache(&self, id: &ModelId) -> RepoCache {
        RepoCache::new(&self.settings.cache, id)
    }

    fn offline(&self, id: &ModelId, missing: Vec<String>) -> HubError {
        HubError::Offline { id: id.clone(), cache: self.settings.cache.clone(), missing }
    }
}

/// Whether `file` may be a checkpoint in one file, by its name and place.
fn is_checkpoint(file: &str) -> bool {
    let ending = [".safetensors", ".bin", ".pth", ".ckpt", ".pt"].iter().any(|ending| file.ends_with(ending));
    ending && !file.contains('/')
}
