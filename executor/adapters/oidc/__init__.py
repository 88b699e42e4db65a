"""OpenID Connect: judging the bearer tokens of an identity provider.

``issuer`` knows the provider's keys, ``verifier`` judges tokens by them.  Nobody is logged in
here and nothing is kept of anybody; whoever has a token got it from the provider.
"""

from executor.adapters.oidc.issuer import Issuer
from executor.adapters.oidc.verifier import OidcVerifier

__all__ = ["Issuer", "OidcVerifier"]
