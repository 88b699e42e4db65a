"""The pages in a real browser: headless Chromium, a real instance, a real identity provider."""
