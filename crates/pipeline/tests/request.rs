//! What a request comes to, and what is refused before anything is computed.

use burn::Tensor;
use gligen_components::{Autoencoder, BoxError, Conditioning, Denoiser, Denoising, Posterior};
use gligen_pipeline::{Compat, Defaults, Object, Plan, Request, RequestError};
use proptest::prelude::*;

/// The measures of a model without its numbers: planning needs no more.
#[derive(Clone, Copy)]
struct Shape {
    in_channels: usize,
    grounding_width: Option<usize>,
}

/// A text-box model of Stable Diffusion 1.x.
const TEXT_BOX: Shape = Shape { in_channels: 4, grounding_width: Some(768) };

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
        false
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

fn plan_on(model: Shape, request: &Request) -> Result<Plan, RequestError> {
    Plan::new(request, &Defaults::default(), &model, &model)
}

fn plan(request: &Request) -> Result<Plan, RequestError> {
    plan_on(TEXT_BOX, request)
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
        plan_on(Shape { in_channels: 9, ..TEXT_BOX }, &Request::new("a cat")),
    ];
    let texts = refused.map(|refused| {
        let error = refused.expect_err("a refusal");
        let hint = error.hint().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
        format!("{error}{hint}")
    });
    insta::assert_snapshot!(texts.join("\n"));
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
