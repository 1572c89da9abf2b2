//! CLIP's text encoder alone: which texts mean about the same to it?
//!
//! ```sh
//! cargo run --release -p gligen-clip-text --example alike -- MODEL "a cat" "a kitten" "a red car"
//! ```
//!
//! `MODEL` is a folder in the diffusers layout, of which only `tokenizer` and `text_encoder` are read. Left out, it is
//! the small model of this repository, which knows few words.

use burn::Tensor;
use gligen_clip_text::{ClipTextEncoder, device};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let small = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/tiny-gligen");
    let model = args.next().unwrap_or(small.into());
    let mut texts: Vec<String> = args.collect();
    if texts.is_empty() {
        texts = ["a cat", "a cat on a white background", "a red apple", "a red car"].map(String::from).into();
    }

    let (text_encoder, tokenizer) = (format!("{model}/text_encoder"), format!("{model}/tokenizer"));
    let encoder = ClipTextEncoder::load(text_encoder, tokenizer, &device::parse("flex")?)?;
    for text in &texts {
        let encoding = encoder.tokenizer().encode(text)?;
        let end = encoding.ids.iter().position(|&id| id == encoder.tokenizer().end_id());
        println!("{text:?} is {} tokens", end.unwrap_or(encoding.ids.len()) - 1);
    }

    // The state of the last token stands for the whole text: [texts, width].
    let pooled = encoder.encode(&texts, 0)?.pooled;
    let length = (pooled.clone() * pooled.clone()).sum_dim(1).sqrt();
    let unit: Tensor<2> = pooled / length;
    let alike: Vec<f32> = unit.clone().matmul(unit.transpose()).into_data().try_into_vec_as()?;
    println!("\nhow alike, from -1 to 1:");
    for (row, text) in alike.chunks(texts.len()).zip(&texts) {
        let numbers: Vec<String> = row.iter().map(|cosine| format!("{cosine:6.3}")).collect();
        println!("{}  {text}", numbers.join(" "));
    }
    Ok(())
}
