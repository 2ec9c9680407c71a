//! Sends the sound of a scale, a tone of a tenth of a second with each tick, and a little noise.
use dora_node::{Event, Node, Params};

const RATE: usize = 8000;
const BLOCK: usize = RATE / 10;
const SCALE: [f32; 8] = [260., 290., 330., 350., 390., 440., 490., 520.];

fn main() -> dora_node::Result<()> {
    let mut node = Node::from_env()?;
    let mut noise = 1u32;
    let mut block = 0;
    while let Some(event) = node.next()? {
        if !matches!(event, Event::Input(_)) || block == SCALE.len() {
            break;
        }
        let mut sound = node.loan::<f32>(BLOCK)?; // shared memory, written in place
        for (i, sample) in sound.iter_mut().enumerate() {
            noise = noise.wrapping_mul(1664525).wrapping_add(1013904223);
            let phase = std::f32::consts::TAU * SCALE[block] * i as f32 / RATE as f32;
            *sample = 0.5 * phase.sin() + 0.1 * (noise as f32 / u32::MAX as f32 - 0.5);
        }
        let mut params = Params::new()?;
        params.set("block", block as i64)?.set("rate", RATE as i64)?;
        node.send_loan("sound", sound, Some(&params))?;
        block += 1;
    }
    Ok(())
}
