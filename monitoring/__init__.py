"""Probes, link quality, metrics. (The next issues fill this package.)"""
