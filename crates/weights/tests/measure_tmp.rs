//! Temporary: speed.
mod tiny;
use std::path::Path;
use std::time::Instant;
use burn::Tensor;
use burn::module::{Module, Param};
use gligen_weights::{Dtype, KeyMap, SafetensorsWriter, Weights};
use tiny::waiting;

#[derive(Module, Debug)]
struct Many { w: Vec<Param<Tensor<2>>> }

fn kib(line: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    text.lines().find_map(|l| l.strip_prefix(line)).unwrap().trim().trim_end_matches(" kB").parse::<usize>().unwrap()
}

#[test]
#[ignore]
fn speed() {
    let path = Path::new("/tmp/gligen-speed.safetensors");
    let dtype = match std::env::var("DT").unwrap().as_str() { "f16" => Dtype::F16, "bf16" => Dtype::BF16, _ => Dtype::F32 };
    let count = 500 * (1 << 20) / (dtype.size().unwrap() * 2048 * 2048);
    let announced: Vec<_> = (0..count).map(|i| (format!("w.{i}"), dtype, vec![2048, 2048])).collect();
    let mut writer = SafetensorsWriter::create(path, &announced, &Default::default()).unwrap();
    let block: Vec<u8> = (0..2048 * 2048 * dtype.size().unwrap()).map(|i| (i * 7 % 59) as u8).collect();
    let t = Instant::now();
    for _ in 0..count { writer.write(&block).unwrap(); }
    writer.finish().unwrap();
    println!("write {:.2} s", t.elapsed().as_secs_f64());
    drop(block);
    for _ in 0..3 {
        let t = Instant::now();
        std::process::Command::new("sh").arg("-c").arg(format!("cat {} > /dev/null", path.display())).status().unwrap();
        let cat = t.elapsed().as_secs_f64();
        let before = kib("VmRSS:");
        let module = Many { w: (0..count).map(|_| waiting([2048, 2048])).collect() };
        let t = Instant::now();
        let module = Weights::open(path).unwrap().load(module, &KeyMap::new()).unwrap();
        println!("{dtype} cat {cat:.2} s, load {:.2} s, RSS {} -> {} MiB, peak {} MiB, numbers {} MiB", t.elapsed().as_secs_f64(), before/1024, kib("VmRSS:")/1024, kib("VmHWM:")/1024, count*16);
        drop(module);
    }
    std::fs::remove_file(path).unwrap();
}
