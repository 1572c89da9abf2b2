//! A model that is stored as its difference from another.

use gligen_testkit::assemble;
use safetensors::SafeTensors;

#[test]
fn later_files_win() {
    let text_box = assemble(&["text-box"]);
    let inpaint = assemble(&["text-box", "inpaint"]);
    let read = |folder: &std::path::Path| {
        std::fs::read(folder.join("unet/diffusion_pytorch_model.safetensors")).unwrap()
    };
    let (before, after) = (read(text_box.path()), read(inpaint.path()));
    let (before, after) =
        (SafeTensors::deserialize(&before).unwrap(), SafeTensors::deserialize(&after).unwrap());

    assert_eq!(before.names().len(), after.names().len());
    for (name, tensor) in after.iter() {
        if name == "conv_in.weight" {
            assert_eq!(tensor.shape(), [8, 9, 3, 3]);
        } else {
            assert_eq!(tensor, before.tensor(name).unwrap(), "{name}");
        }
    }
    assert!(inpaint.path().join("tokenizer/vocab.json").is_file());
    let config = std::fs::read_to_string(inpaint.path().join("unet/config.json")).unwrap();
    assert!(config.contains("\"in_channels\": 9"), "{config}");
}
