"""Values only: policies, findings, waivers, packs, causes, and the ruleset that they make up."""
