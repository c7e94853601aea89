// Right, in JavaScript.

const { IDENTITY_URL, POPULATION_URL, CLIENT_ID, CLIENT_SECRET, DISTRICT, NIKS } = process.env;
let token;

async function newToken() {
  const response = await fetch(`${IDENTITY_URL}/oauth2/token`, {
    method: "POST",
    headers: { Authorization: "Basic " + Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString("base64") },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  token = (await response.json()).access_token;
}

async function get(path) {
  const call = () => fetch(POPULATION_URL + path, { headers: { Authorization: `Bearer ${token}` } });
  let response = await call();
  if (response.status === 401) {
    await newToken();
    response = await call();
  }
  return response;
}

await newToken();
const report = { jumlah: 0, penduduk: [], ditemukan: {}, tidak_ditemukan: [] };
let next = `/v1/residents?${new URLSearchParams({ region: DISTRICT, limit: "50" })}`;
while (next) {
  const response = await get(next);
  const page = await response.json();
  report.penduduk.push(...page.data.map((row) => row.id));
  const link = response.headers.get("link");
  next = link ? link.match(/<([^>]+)>/)[1] : null;
}
report.jumlah = report.penduduk.length;
for (const nik of NIKS.split(",")) {
  const response = await get(`/v1/residents/${nik}`);
  if (response.status === 404) report.tidak_ditemukan.push(nik);
  else report.ditemukan[nik] = (await response.json()).name;
}
console.log(JSON.stringify(report));
