//! How many multiplications one evaluation of a Stable Diffusion 1.x UNet with fusers takes.

/// Channels of the levels, from the largest maps to the smallest.
const CHANNELS: [usize; 4] = [320, 640, 1280, 1280];
const RESNETS: usize = 2;
const LATENTS: usize = 4;
/// Tokens of a caption.
const TEXT: usize = 77;
/// Tokens of the grounding: one a slot, whether it is taken or not.
const SLOTS: usize = 30;

/// Multiplications of one sample whose latents are `side` × `side`, with fusers on: those of convolutions, linear maps
/// and attention. What is computed once per generation is left out.
pub(crate) fn of_a_step(side: usize) -> f64 {
    let area = |level: usize| (side >> level) * (side >> level);
    let last = CHANNELS.len() - 1;
    let mut count = 9 * area(0) * LATENTS * CHANNELS[0] * 2;
    let mut channels = CHANNELS[0];
    for (level, &outputs) in CHANNELS.iter().enumerate() {
        for _ in 0..RESNETS {
            count += resnet(area(level), channels, outputs);
            channels = outputs;
            if level < last {
                count += transformer(area(level), outputs);
            }
        }
        if level < last {
            count += 9 * area(level + 1) * outputs * outputs;
        }
    }
    count += 2 * resnet(area(last), channels, channels) + transformer(area(last), channels);
    for level in (0..CHANNELS.len()).rev() {
        let outputs = CHANNELS[level];
        for resnet_index in 0..=RESNETS {
            // The last of a level gets what the level before it began with.
            let skipped = if resnet_index == RESNETS { CHANNELS[level.saturating_sub(1)] } else { outputs };
            count += resnet(area(level), channels + skipped, outputs);
            channels = outputs;
            if level < last {
                count += transformer(area(level), outputs);
            }
        }
        if level > 0 {
            count += 9 * area(level - 1) * outputs * outputs;
        }
    }
    count as f64
}

fn resnet(area: usize, inputs: usize, outputs: usize) -> usize {
    let shortcut = if inputs == outputs { 0 } else { inputs * outputs };
    area * (9 * inputs * outputs + 9 * outputs * outputs + shortcut)
}

/// Projections in and out; self-attention; the fuser's attention and feed-forward; cross-attention; feed-forward.
fn transformer(tokens: usize, channels: usize) -> usize {
    let linear = channels * channels;
    let attention = |keys: usize| 2 * keys * channels;
    let of_a_token = 2 * linear
        + (4 * linear + attention(tokens))
        + (4 * linear + attention(tokens + SLOTS) + 12 * linear)
        + (2 * linear + attention(TEXT))
        + 12 * linear;
    tokens * of_a_token
}

#[cfg(test)]
mod tests {
    use super::*;

    /// fvcore counts 0.34 · 10¹² for Stable Diffusion 1.x at 512²; the fusers add what this counts for them.
    #[test]
    fn is_of_the_known_size() {
        let step = of_a_step(64);
        assert!((0.4e12..0.8e12).contains(&step), "{step:e}");
        let growth = of_a_step(128) / step;
        assert!((4.0..16.0).contains(&growth), "between the pixels' and their square: {growth}");
    }
}
