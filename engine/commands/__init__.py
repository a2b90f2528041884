"""The commands that `cli` puts among its own, group by group, and the options they share."""
