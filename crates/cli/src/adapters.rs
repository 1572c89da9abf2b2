//! The flags for LoRA files and textual inversions.

use std::path::{Path, PathBuf};

use gligen_pipeline::{EmbeddingFile, LoraFile};

/// What changes the model while it is loaded.
#[derive(Debug, clap::Args)]
pub(crate) struct Adapters {
    /// A LoRA file of kohya's, diffusers' or peft's kind, and how much of it to add; repeat it for more [default scale: 1]
    #[arg(long, value_name = "FILE[:SCALE]", value_parser = parse_lora)]
    pub(crate) lora: Vec<LoraFile>,
    /// A textual inversion of diffusers' or A1111's kind, whose word captions and phrases may use, and another word for
    /// it; repeat it for more
    #[arg(long, value_name = "FILE[:TOKEN]", value_parser = parse_embedding)]
    pub(crate) embedding: Vec<EmbeddingFile>,
}

fn parse_lora(text: &str) -> Result<LoraFile, String> {
    let (path, scale) = split(text);
    let scale = scale.map_or(Ok(1.0), |scale| {
        let number = scale.parse().ok().filter(|scale: &f64| scale.is_finite());
        number.ok_or_else(|| format!("expected a number after the colon, found `{scale}`"))
    })?;
    Ok(LoraFile { path, scale })
}

fn parse_embedding(text: &str) -> Result<EmbeddingFile, String> {
    let (path, token) = split(text);
    match token {
        Some("") => Err("expected a word after the colon, found none".into()),
        token => Ok(EmbeddingFile { path, token: token.map(str::to_owned) }),
    }
}

/// The file, and what stands after the colon behind it. Files may have colons in their names: the first part that is one
/// counts.
fn split(text: &str) -> (PathBuf, Option<&str>) {
    let mut colons = text.match_indices(':').map(|(at, _)| at);
    let ends = colons.clone().chain([text.len()]);
    let end = ends.into_iter().find(|&end| Path::new(&text[..end]).is_file());
    // Of a file that is not there, the error shall tell the name without the rest.
    let end = end.or_else(|| colons.next_back().filter(|&at| at > 1)).unwrap_or(text.len());
    (text[..end].into(), text.get(end + 1..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_after_the_colon() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a:b.pt");
        std::fs::write(&path, "").unwrap();
        let file = path.to_str().unwrap();
        let lora =
            |text: &str| parse_lora(text).map(|lora| (lora.path.to_str().unwrap().to_string(), lora.scale));
        assert_eq!(lora(file), Ok((file.into(), 1.0)));
        assert_eq!(lora(&format!("{file}:0.5")), Ok((file.into(), 0.5)));
        assert_eq!(lora(&format!("{file}:-2")), Ok((file.into(), -2.0)));
        assert!(lora(&format!("{file}:")).is_err() && lora(&format!("{file}:inf")).is_err());
        assert_eq!(lora("none.pt:0.5"), Ok(("none.pt".into(), 0.5)));
        let word = parse_embedding(&format!("{file}:<my:word>")).unwrap();
        assert_eq!((word.path, word.token.as_deref()), (path.clone(), Some("<my:word>")));
        assert_eq!(parse_embedding(file).unwrap().token, None);
    }
}
