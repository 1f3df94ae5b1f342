"""The language of filters and mappings: JMESPath with a few functions of ours, within a budget."""
