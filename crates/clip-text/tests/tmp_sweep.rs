//! tmp
use gligen_clip_text::Tokenizer;
#[test]
fn sweep() {
    let v: serde_json::Value = serde_json::from_slice(&std::fs::read("/tmp/tkt/ref.json").unwrap()).unwrap();
    for (name, path) in [("real", "/work/shared/clip-tokenizer"), ("tiny", "/work/shared/tiny-gligen/tokenizer")] {
        let t0 = std::time::Instant::now();
        let t = Tokenizer::load(path).unwrap();
        println!("{name} load {:?}", t0.elapsed());
        let mut bad = 0; let mut badd = 0;
        let t0 = std::time::Instant::now();
        for (i, text) in v["texts"].as_array().unwrap().iter().enumerate() {
            let text = text.as_str().unwrap();
            let e = t.encode(text).unwrap();
            let want: Vec<u32> = v[name][i].as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as u32).collect();
            if e.ids != want { bad += 1; if bad < 6 { println!("{i} {text:?}\n {:?}\n {:?}", e.ids, want); } }
            let d = t.decode(&e.ids).unwrap();
            if d != v[format!("{name}_decoded")][i].as_str().unwrap() { badd += 1; if badd < 6 { println!("decode {i} {d:?} {:?}", v[format!("{name}_decoded")][i]); } }
            if i < 22 { println!("{:?}", e.truncated.map(|t| t.chars().take(60).collect::<String>())); }
        }
        println!("{name}: {bad} wrong, {badd} wrong decoded, {:?}", t0.elapsed());
    }
    let t = Tokenizer::load("/work/shared/clip-tokenizer").unwrap();
    for s in ["a", "😀", "a ", "' ", "1", "\u{301}", "!", "<|endoftext|>", "\u{1100}"] {
        let t0 = std::time::Instant::now();
        t.encode(&s.repeat(300_000)).unwrap();
        println!("{s:?} x300k {:?}", t0.elapsed());
    }
}
