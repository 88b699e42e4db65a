"""OpenID Connect: judging the bearer tokens of an identity provider, and logging in with it.

``issuer`` knows the provider and its keys, ``verifier`` judges tokens by them, ``login`` has
browsers log in there.  Nothing is kept of anybody here.
"""

from executor.adapters.oidc.issuer import Issuer
from executor.adapters.oidc.login import OidcLogin
from executor.adapters.oidc.verifier import OidcVerifier

__all__ = ["Issuer", "OidcLogin", "OidcVerifier"]
