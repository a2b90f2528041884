"""The stages that findings pass: batches, waivers, selection, the gate, counts."""
