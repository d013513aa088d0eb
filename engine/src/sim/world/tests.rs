//! What the world promises.
