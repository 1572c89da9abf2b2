//! The text that AUTOMATIC1111's web UI writes into its pictures, and many programs read.

use gligen_schedulers::SchedulerKind;

use crate::Layout;

/// What made a picture, in that program's form: the caption, `Negative prompt: …`, and a last line of
/// `name: value` pairs. `layout` is that of one picture, with every number settled; `model` is what users call it.
///
/// Source: `modules/infotext_utils.py` there: the last line counts from three pairs on; a value with a comma, a colon
/// or a line break stands in quotes; without `RNG: CPU` readers take the noise for a GPU's.
pub fn parameters(layout: &Layout, model: &str) -> String {
    let prompt = layout.index.unwrap_or(0) / layout.num_images.unwrap_or(1).max(1);
    let of_picture = |texts: &[String]| texts.get(prompt).or(texts.first()).cloned().unwrap_or_default();

    let mut text = of_picture(&layout.prompt);
    let negative = of_picture(&layout.negative_prompt);
    if !negative.is_empty() {
        text.push_str("\nNegative prompt: ");
        text.push_str(&negative);
    }
    let mut pairs = Vec::new();
    let mut pair = |name: &str, value: Option<String>| {
        pairs.extend(value.map(|value| format!("{name}: {}", quoted(&value))));
    };
    pair("Steps", layout.steps.map(|n| n.to_string()));
    pair("Sampler", layout.scheduler.map(sampler));
    pair("CFG scale", layout.guidance_scale.map(|x| x.to_string()));
    pair("Seed", layout.seed.map(|n| n.to_string()));
    pair("Size", layout.width.zip(layout.height).map(|(width, height)| format!("{width}x{height}")));
    pair("Eta", layout.eta.filter(|&eta| eta != 0.0).map(|x| x.to_string()));
    pair("Clip skip", layout.clip_skip.filter(|&n| n != 0).map(|n| (n + 1).to_string())); // theirs counts from 1
    pair("Model", Some(model.into()));
    pair("RNG", Some("CPU".into()));
    pair("Version", Some(concat!("gligen-rs ", env!("CARGO_PKG_VERSION")).into()));
    text + "\n" + &pairs.join(", ")
}

/// Their name of `kind`; where they have no such sampler, that of its published class: `DDPMScheduler` is `DDPM`.
fn sampler(kind: SchedulerKind) -> String {
    let class = || kind.class_name().replace("Scheduler", "").replace("Discrete", "");
    kind.a1111_name().map_or_else(class, str::to_owned)
}

fn quoted(value: &str) -> String {
    match value.contains([',', ':', '\n']) {
        true => serde_json::Value::from(value).to_string(),
        false => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs that read it know these names, and the server reads them back.
    #[test]
    fn samplers_are_called_as_there() {
        for kind in SchedulerKind::ALL {
            let layout = Layout { scheduler: Some(*kind), ..Layout::default() };
            let text = parameters(&layout, "x");
            let name = text.split("Sampler: ").nth(1).unwrap().split(',').next().unwrap();
            match SchedulerKind::from_a1111_name(name) {
                Some(read) => assert_eq!(read, *kind),
                None => assert!(["DPMSolverSinglestep", "DEISMultistep", "DDPM"].contains(&name), "{name}"),
            }
        }
    }

    #[test]
    fn the_text_is_as_other_programs_write_it() {
        let mut layout = Layout::from_json(
            r#"{"prompt": "a cat, a dog", "negative_prompt": "blurry", "width": 128, "height": 64, "steps": 30,
                "guidance_scale": 4.0, "scheduler": "euler", "seed": 7, "eta": 0.0, "clip_skip": 1}"#,
        )
        .unwrap();
        let text = parameters(&layout, "models: mine").replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!(text);
        layout =
            Layout { prompt: vec!["a".into(), "b".into()], num_images: Some(2), index: Some(3), ..layout };
        assert!(parameters(&layout, "x").starts_with("b\nNegative prompt: blurry\n"));
    }
}
