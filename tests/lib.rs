//! Whole-pipeline tests live beside this file.
