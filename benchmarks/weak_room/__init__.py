"""One room behind a weak line, for `benchmarks.weak_lines`: network, meeting, figures."""
