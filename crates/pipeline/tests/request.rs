//! What a request comes to, and what is refused before anything is computed.

use std::sync::Arc;

use burn::Tensor;
use gligen_components::{
    Autoencoder, BoxError, Conditioning, Denoiser, Denoising, ImageEncoder, Posterior, TextEncoder,
    TextStates,
};
use gligen_pipeline::{
    Compat, Defaults, Error, Inpaint, InpaintMode, Object, Parts, Picture, Pipeline, Plan, Request,
    RequestError,
};
use gligen_schedulers::SchedulerConfig;
use gligen_testkit::devices;
use proptest::prelude::*;

/// The measures of a model without its numbers: planning needs no more.
#[derive(Clone, Copy)]
struct Shape {
    in_channels: usize,
    grounding_width: Option<usize>,
    takes_pictures: bool,
    /// Whether there is an image encoder.
    has_eyes: bool,
}

/// A text-box model of Stable Diffusion 1.x.
const TEXT_BOX: Shape =
    Shape { in_channels: 4, grounding_width: Some(768), takes_pictures: false, has_eyes: false };

/// The same for repainting.
const INPAINTING: Shape = Shape { in_channels: 9, ..TEXT_BOX };

/// A model for text and images.
const TEXT_IMAGE: Shape = Shape { takes_pictures: true, has_eyes: true, ..TEXT_BOX };

impl Denoiser for Shape {
    fn in_channels(&self) -> usize {
        self.in_channels
    }
    fn out_channels(&self) -> usize {
        4
    }
    fn sample_size(&self) -> usize {
        64
    }
    fn context_width(&self) -> usize {
        768
    }
    fn grounding_width(&self) -> Option<usize> {
        self.grounding_width
    }
    fn takes_pictures(&self) -> bool {
        self.takes_pictures
    }
    fn begin<'a>(&'a self, _: &Conditioning) -> Result<Box<dyn Denoising + 'a>, BoxError> {
        Err("planning computes nothing".into())
    }
}

impl Autoencoder for Shape {
    fn scaling_factor(&self) -> f64 {
        0.18215
    }
    fn downscale(&self) -> usize {
        8
    }
    fn encode(&self, _: Tensor<4>) -> Result<Posterior, BoxError> {
        Err("planning computes nothing".into())
    }
    fn decode(&self, _: Tensor<4>) -> Result<Tensor<4>, BoxError> {
        Err("planning computes nothing".into())
    }
}

impl TextEncoder for Shape {
    fn width(&self) -> usize {
        768
    }
    fn encode(&self, _: &[String], _: usize) -> Result<TextStates, BoxError> {
        Err("planning computes nothing".into())
    }
}

impl ImageEncoder for Shape {
    fn width(&self) -> usize {
        768
    }
    fn encode(&self, _: &[Picture]) -> Result<Tensor<2>, BoxError> {
        Err("planning computes nothing".into())
    }
}

fn plan_on(model: Shape, request: &Request) -> Result<Plan, RequestError> {
    let image_encoder: Option<Arc<dyn ImageEncoder>> =
        if model.has_eyes { Some(Arc::new(model)) } else { None };
    let parts = Parts {
        text_encoder: Arc::new(model),
        image_encoder,
        denoiser: Arc::new(model),
        autoencoder: Arc::new(model),
        safety_checker: None,
        scheduler: SchedulerConfig::from_json(r#"{"_class_name": "PNDMScheduler"}"#).unwrap(),
        defaults: Defaults::default(),
    };
    match Pipeline::new(parts, &devices()[0]).unwrap().plan(request) {
        Ok(plan) => Ok(plan),
        Err(Error::Request(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

fn plan(request: &Request) -> Result<Plan, RequestError> {
    plan_on(TEXT_BOX, request)
}

fn picture() -> Picture {
    Picture::new(3, 2, vec![7; 18]).unwrap()
}

fn with_box(rect: [f64; 4]) -> Request {
    Request::new("a cat").object(Object::phrase("a cat", rect))
}

#[test]
fn what_is_left_out_is_the_models() {
    let plan = plan(&Request::new("a cat")).unwrap();
    assert_eq!((plan.steps, plan.guidance_scale, plan.scheduled_sampling_beta), (50, 7.5, 0.3));
    assert_eq!((plan.height, plan.width), (512, 512));
    assert_eq!(plan.latents_shape, [1, 4, 64, 64]);
}

#[test]
fn seeds_count_up_unless_one_stream_serves_all() {
    let mut request = Request::new("a cat").seed(u64::MAX);
    request.prompts.push("a dog".into());
    request.num_images = Some(2);
    assert_eq!(plan(&request).unwrap().seeds(), [u64::MAX, 0, 1, 2]);
    request.compat = Compat::Diffusers;
    assert_eq!(plan(&request).unwrap().seeds(), [u64::MAX; 4]);
}

#[test]
fn refusals() {
    let change = |change: &dyn Fn(&mut Request)| {
        let mut request = Request::new("a cat");
        change(&mut request);
        plan(&request)
    };
    let mut nothing = Object::phrase("", [0.0; 4]);
    nothing.phrase = None;
    let mut other_mask = Inpaint::new(picture());
    other_mask.mask = Picture::new(1, 1, vec![255; 3]);
    let mut blend = Inpaint::new(picture());
    blend.mode = InpaintMode::Blend;
    let refused = [
        plan(&Request::default()),
        plan(&with_box([0.1, 0.2, 300.0, 0.9])),
        plan(&with_box([0.1, -0.2, 0.3, 0.9])),
        plan(&with_box([0.1, f64::NAN, 0.3, 0.9])),
        plan(&with_box([0.8, 0.9, 0.3, 0.2])),
        change(&|r| r.steps = Some(0)),
        change(&|r| r.height = Some(100)),
        change(&|r| r.width = Some(0)),
        change(&|r| r.width = Some(1_000_000_000)),
        change(&|r| r.num_images = Some(0)),
        change(&|r| r.num_images = Some(usize::MAX)),
        change(&|r| r.guidance_scale = Some(f64::INFINITY)),
        change(&|r| r.scheduled_sampling_beta = Some(1.5)),
        change(&|r| r.eta = -0.1),
        change(&|r| r.negative_prompts = vec!["blurry".into(); 3]),
        plan_on(Shape { grounding_width: None, ..TEXT_BOX }, &with_box([0.1, 0.2, 0.3, 0.4])),
        plan_on(INPAINTING, &Request::new("a cat")),
        plan_on(Shape { in_channels: 5, ..TEXT_BOX }, &Request::new("a cat")),
        change(&|r| r.objects = vec![vec![], vec![], vec![]]),
        plan(&Request::new("a cat").object(nothing)),
        plan(&Request::new("a cat").object(Object::image(picture(), [0.0; 4]))),
        plan_on(
            Shape { has_eyes: false, ..TEXT_IMAGE },
            &Request::new("a cat").object(Object::phrase("a cat", [0.0; 4]).with_image(picture())),
        ),
        plan(&Request::new("a cat").object(Object::phrase("a cat", [0.0; 4]).with_masks(1.5, 1.0))),
        plan(&Request::new("a cat").object(Object::phrase("a cat", [0.0; 4]).with_masks(1.0, f64::NAN))),
        plan(&with_box([0.0, 0.0, 1.0, 1.0]).inpaint(Inpaint::new(picture()))),
        plan_on(INPAINTING, &Request::new("a cat").inpaint(Inpaint::new(picture()))),
        plan_on(INPAINTING, &Request::new("a cat").inpaint(other_mask)),
        plan_on(INPAINTING, &with_box([0.0, 0.0, 1.0, 1.0]).inpaint(blend)),
    ];
    let texts = refused.map(|refused| {
        let error = refused.expect_err("a refusal");
        let hint = error.hint().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
        format!("{error}{hint}")
    });
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_plain_model_repaints_by_blending() {
    let mut inpaint = Inpaint::new(picture());
    inpaint.mode = InpaintMode::Blend;
    plan(&with_box([0.0, 0.0, 1.0, 1.0]).inpaint(inpaint)).unwrap();
}

/// The original computes the number of grounded evaluations of a model that takes pictures, and drops it.
#[test]
fn the_original_grounds_pictures_in_every_evaluation() {
    let mut request = with_box([0.0, 0.0, 1.0, 1.0]);
    request.scheduled_sampling_beta = Some(0.3);
    assert_eq!(plan_on(TEXT_IMAGE, &request).unwrap().scheduled_sampling_beta, 0.3);
    request.compat = Compat::Diffusers;
    assert_eq!(plan_on(TEXT_IMAGE, &request).unwrap().scheduled_sampling_beta, 1.0);
    assert_eq!(plan(&request).unwrap().scheduled_sampling_beta, 0.3);
}

#[test]
fn each_caption_has_its_own_objects_or_all_have_the_same() {
    let mut request = with_box([0.0, 0.0, 1.0, 1.0]);
    request.prompts.push("a dog".into());
    let shared = plan(&request).unwrap();
    assert_eq!(shared.objects(0), shared.objects(1));
    request.objects.push(vec![Object::phrase("a dog", [0.5; 4]); 31]);
    let own = plan(&request).unwrap();
    assert_eq!((own.objects(0).len(), own.objects(1).len()), (1, 30));
}

#[test]
fn a_box_without_area_is_legal() {
    plan(&with_box([0.0, 1.0, 0.0, 1.0])).unwrap();
}

#[test]
fn the_original_takes_boxes_upside_down() {
    let mut request = with_box([0.8, 0.9, 0.3, 0.2]);
    request.compat = Compat::Diffusers;
    plan(&request).unwrap();
}

#[test]
fn a_plain_model_draws_from_the_caption_alone() {
    plan_on(Shape { grounding_width: None, ..TEXT_BOX }, &Request::new("a cat")).unwrap();
}

proptest! {
    /// A box is taken exactly if its corners are fractions in order.
    #[test]
    fn boxes(rect in prop::array::uniform4(prop_oneof![-0.5..1.5, Just(0.0), Just(1.0), Just(f64::NAN)])) {
        let [x0, y0, x1, y1] = rect;
        let good = rect.iter().all(|x| (0.0..=1.0).contains(x)) && x0 <= x1 && y0 <= y1;
        let planned = plan(&with_box(rect));
        prop_assert_eq!(planned.is_ok(), good);
        if let Err(error @ RequestError::InvertedBox { .. }) = planned {
            // Following the hint helps.
            let hint = error.hint().unwrap();
            let numbers = hint.split(['[', ']']).nth(1).unwrap();
            let mut corners = numbers.split(", ").map(|number| number.parse().unwrap());
            let repaired = std::array::from_fn(|_| corners.next().unwrap());
            prop_assert!(plan(&with_box(repaired)).is_ok());
        }
    }

    /// No number makes planning panic, and a plan that is made has a size that can be drawn.
    #[test]
    fn numbers(
        (height, width) in (any::<usize>(), 0usize..4096),
        num_images in prop_oneof![0usize..300, Just(usize::MAX)],
        steps in any::<usize>(),
        guidance_scale in any::<f64>(),
        beta in any::<f64>(),
    ) {
        let mut request = Request::new("a cat").size(width / 8 * 8, height % 9000).steps(steps);
        request.num_images = Some(num_images);
        request.guidance_scale = Some(guidance_scale);
        request.scheduled_sampling_beta = Some(beta);
        if let Ok(plan) = plan(&request) {
            prop_assert!(plan.height % 8 == 0 && plan.width % 8 == 0);
            prop_assert!(plan.latents_shape.iter().all(|&axis| axis > 0));
        }
    }
}
