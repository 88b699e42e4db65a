// An OpenID Connect provider for the tests of logging in: panva's oidc-provider, in memory.
//
// Everything comes in one JSON object on the command line: port, keys, clients, and how many
// seconds tokens live.  Anybody may log in under any name; who is called "admin" is granted
// all scopes, "nobody" none, and everybody else may read.

import Provider from "oidc-provider";

const { port, keys, clients, lifetime, audience } = JSON.parse(process.argv[2]);

const RESOURCE = "urn:solocron:test";
const SCOPES = ["jobs:read", "jobs:write", "runs:read", "runs:write", "admin"];
const GRANTED = { admin: SCOPES, nobody: [] };
const READER = ["jobs:read", "runs:read"];

async function grantOf(ctx) {
  const { session, client, provider, result } = ctx.oidc;
  const known = result?.consent?.grantId ?? session.grantIdFor(client.clientId);
  if (known) return provider.Grant.find(known);
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  const given = GRANTED[session.accountId] ?? READER;
  grant.addOIDCScope("openid offline_access");
  if (given.length) grant.addResourceScope(RESOURCE, given.join(" "));
  grant.rejectOIDCScope(SCOPES.join(" "));
  grant.rejectResourceScope(RESOURCE, SCOPES.filter((one) => !given.includes(one)).join(" "));
  await grant.save();
  return grant;
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  jwks: { keys },
  cookies: { keys: ["tests only"] },
  scopes: ["openid", "offline_access"],
  claims: { openid: ["sub"] },
  pkce: { required: () => true },
  clientBasedCORS: () => false,
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  loadExistingGrant: grantOf,
  // For whom to be asked for is not the refresh token's own scope but the client's.
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed("refresh_token"),
  ttl: { AccessToken: lifetime, IdToken: 300, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600, AuthorizationCode: 60, DeviceCode: 600 },
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: SCOPES.join(" "),
        audience,
        accessTokenFormat: "jwt",
        accessTokenTTL: lifetime,
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});

provider.on("server_error", (ctx, error) => console.error(error));
provider.listen(port, "127.0.0.1");
