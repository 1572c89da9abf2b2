//! `/sdapi/v1/…`, as clients of AUTOMATIC1111's web UI speak it.
//!
//! Boxes come where its extensions take their arguments: `alwayson_scripts.gligen.args[0].objects`, as in a layout,
//! beside `scheduled_sampling_beta`. Of `img2img` there is what has a mask: repainting.
//! `scheduler` names noise levels, as it does there since version 1.9.

mod about;
mod png_info;
mod progress;
mod samplers;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::{InpaintMode, Layout, parameters};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(crate) use self::about::{Model, Settings, models, settings};
pub(crate) use self::png_info::{PngFile, PngTexts, png_info};
pub(crate) use self::progress::{Nothing, Progress, interrupt, progress};
use self::samplers::our_scheduler;
pub(crate) use self::samplers::{Levels, Sampler, samplers, schedulers};
use crate::App;
use crate::answer::json_answer;
use crate::job::Finished;
use crate::problem::Problem;
use crate::repainting::{MaskKind, Repainting, inpaint_mode};
use crate::work::{JSON, parse, submit, wait};

/// A problem as clients of that API read it.
pub(crate) struct Detail(Problem);

impl From<Problem> for Detail {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Detail {
    fn into_response(self) -> Response {
        self.0.in_other_words(&DetailBody { detail: self.0.message() })
    }
}

/// What is wrong, in that API.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "A1111Error")]
pub(crate) struct DetailBody {
    detail: String,
}

pub(crate) async fn txt2img(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Detail> {
    draw(&app, &headers, body, None).await
}

pub(crate) async fn img2img(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Detail> {
    draw(&app, &headers, body, Some(inpaint_mode(&app))).await
}

async fn draw(
    app: &Arc<App>,
    headers: &HeaderMap,
    body: Body,
    inpaint_mode: Option<InpaintMode>,
) -> Result<Response, Detail> {
    let max_pixels = app.options.limits.picture_pixels;
    let read = move |bytes: Bytes| Ok((layout(parse(&bytes)?, inpaint_mode, max_pixels)?, ()));
    let (job, ()) = submit(app, headers, body, JSON, read).await?;
    let finished = wait(app, &job).await?;
    Ok(json_answer(StatusCode::OK, &answer(&finished, &app.options.model.name)))
}

fn answer(finished: &Finished, model: &str) -> Pictures {
    let layouts = finished.images.iter().map(|image| image.layout.as_ref());
    let texts: Vec<_> = layouts.flatten().map(|layout| parameters(layout, model)).collect();
    let seeds: Vec<_> = finished.images.iter().map(|image| image.seed).collect();
    let info = json!({"seed": seeds.first(), "all_seeds": seeds, "infotexts": texts, "sd_model_name": model});
    Pictures {
        images: finished.images.iter().map(|image| STANDARD.encode(&image.png)).collect(),
        parameters: Map::new(),
        info: info.to_string(),
    }
}

/// The pictures of a request.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "A1111Pictures")]
pub(crate) struct Pictures {
    /// PNG files in base64.
    images: Vec<String>,
    /// Empty: the request is not repeated.
    parameters: Map<String, Value>,
    /// A text with JSON in it, there too: `all_seeds`, `infotexts`, …
    info: String,
}

/// The fields that mean something here; the others are left alone, as clients send all that they know.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "A1111Request")]
pub(crate) struct Fields {
    #[serde(default)]
    prompt: String,
    #[serde(default)]
    negative_prompt: String,
    seed: Option<i64>,
    steps: Option<usize>,
    cfg_scale: Option<f64>,
    width: Option<usize>,
    height: Option<usize>,
    batch_size: Option<usize>,
    n_iter: Option<usize>,
    sampler_name: Option<String>,
    sampler_index: Option<String>,
    scheduler: Option<String>,
    eta: Option<f64>,
    #[serde(default)]
    alwayson_scripts: Value,
    #[serde(default)]
    init_images: Vec<String>,
    mask: Option<String>,
    #[serde(default)]
    inpainting_mask_invert: Value,
}

/// The layout that a request asks for; with an `inpaint_mode` it must bring a picture and a mask, of at most
/// `max_pixels`.
fn layout(fields: Fields, inpaint_mode: Option<InpaintMode>, max_pixels: u64) -> Result<Layout, Problem> {
    let mut layout = Map::new();
    // What is not given has the model's default, not that program's.
    let mut set =
        |key: &str, value: Option<Value>| layout.extend(value.map(|value| (key.to_string(), value)));
    set("prompt", Some(fields.prompt.into()));
    set("negative_prompt", Some(fields.negative_prompt).filter(|text| !text.is_empty()).map(Into::into));
    set("seed", Some(fields.seed.unwrap_or(-1).max(-1).into()));
    set("steps", fields.steps.map(Into::into));
    set("guidance_scale", fields.cfg_scale.map(Into::into));
    set("width", fields.width.map(Into::into));
    set("height", fields.height.map(Into::into));
    set("eta", fields.eta.map(Into::into));
    let pictures = fields.batch_size.unwrap_or(1).saturating_mul(fields.n_iter.unwrap_or(1));
    set("num_images", Some(pictures.into()));
    let sampler = fields.sampler_name.or(fields.sampler_index);
    set("scheduler", our_scheduler(sampler.as_deref(), fields.scheduler.as_deref())?.map(Into::into));
    if let Value::Object(ours) = &fields.alwayson_scripts["gligen"]["args"][0] {
        ours.iter().for_each(|(key, value)| set(key, Some(value.clone())));
    }
    if let Some(mode) = inpaint_mode {
        let (Some(image), Some(mask)) = (fields.init_images.into_iter().next(), fields.mask) else {
            let detail = "`mask`: img2img without `init_images` and `mask` is not supported";
            return Err(Problem::refused(detail).hint("give a mask, white where to repaint"));
        };
        let kind = match &fields.inpainting_mask_invert {
            Value::Null | Value::Bool(false) => MaskKind::White,
            Value::Bool(true) => MaskKind::Black,
            number if number == 0 => MaskKind::White,
            number if number == 1 => MaskKind::Black,
            found => {
                let detail = format!("`inpainting_mask_invert`: expected 0 or 1, found `{found}`");
                return Err(Problem::refused(detail));
            }
        };
        Repainting { image, mask: Some(mask), kind, mode }.put_into(&mut layout, max_pixels)?;
    }
    Ok(Layout::from_json(&Value::from(layout).to_string())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, inpaint_mode: Option<InpaintMode>) -> Result<Layout, Problem> {
        layout(parse(text.as_bytes())?, inpaint_mode, 0)
    }

    #[test]
    fn fields_become_a_layouts() {
        let text = r#"{"prompt": "a cat", "negative_prompt": "", "seed": -1, "steps": 20, "cfg_scale": 7, "width": 512,
            "height": 512, "batch_size": 2, "n_iter": 3, "sampler_name": "PLMS", "restore_faces": false,
            "alwayson_scripts": {"gligen": {"args": [{"objects": [{"phrase": "a cat", "box": [0, 0, 1, 1]}]}]}}}"#;
        let layout = read(text, None).unwrap();
        assert_eq!((layout.seed, layout.num_images, layout.objects[0].len()), (None, Some(6), 1));
        assert_eq!(layout.scheduler.map(|kind| kind.name()), Some("pndm"));
        let refused =
            read(r#"{"prompt": "a cat", "init_images": ["abc"]}"#, Some(InpaintMode::Blend)).unwrap_err();
        assert!(refused.message().contains("`mask`"));
    }
}
