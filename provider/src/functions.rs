//! The functions, one file each. They are pure and need no provider configuration.

mod wave_order;

pub(crate) use wave_order::WaveOrder;
