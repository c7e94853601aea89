// Right, in JavaScript.
const env = process.env;
let token;

async function signIn() {
  const response = await fetch(`${env.IDENTITY_URL}/oauth2/token`, {
    method: "POST",
    headers: { Authorization: "Basic " + Buffer.from(`${env.CLIENT_ID}:${env.CLIENT_SECRET}`).toString("base64") },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  token = (await response.json()).access_token;
}

async function call(url, body, headers = {}) {
  for (let attempt = 0; attempt < 4; attempt++) {
    const response = await fetch(url, {
      method: body ? "POST" : "GET",
      headers: { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }), ...headers },
      body: body && JSON.stringify(body),
    });
    if (response.status === 401) await signIn();
    else if (response.status === 503) {
      const seconds = Number(response.headers.get("retry-after") ?? 1);
      await new Promise((done) => setTimeout(done, seconds * 1000 + 20));
    } else if (!response.ok) throw new Error(`${response.status} ${url}`);
    else return { body: await response.json(), etag: response.headers.get("etag") };
  }
  return null;
}

const CODES = {
  11: ["93", "nik_deceased"],
  12: ["41", "nik_duplicate"],
  13: ["93", "nik_unknown"],
  14: ["41", "nik_inactive"],
  15: ["93", "nik_malformed"],
};

async function verify(person) {
  const answer = await call(`${env.POPULATION_URL}/dukcapil/get_json/DPMPTSP/CALL_VERIFY_BY_ELEMEN`, {
    TRESHOLD: "90",
    NIK: person.nik,
    NAMA_LGKP: person.name,
    TGL_LHR: person.birth_on.split("-").reverse().join("-"),
    JENIS_KLMIN: person.sex === "L" ? "Laki-Laki" : "Perempuan",
  });
  if (!answer) return null;
  const [row] = answer.body.content;
  if (row.RESPONSE_CODE) return CODES[row.RESPONSE_CODE];
  if (row.NAMA_LGKP.startsWith("Tidak")) return ["41", "name_mismatch"];
  if (row.TGL_LHR.startsWith("Tidak")) return ["41", "birth_date_mismatch"];
  if (row.JENIS_KLMIN.startsWith("Tidak")) return ["41", "sex_mismatch"];
  return ["45", "verified"];
}

await signIn();
const numbers = [];
let cursor = "";
do {
  const page = await call(`${env.PERMITS_URL}/v1/applications?status=20&limit=40${cursor && "&cursor=" + cursor}`);
  numbers.push(...page.body.data.map((row) => row.id));
  cursor = page.body.meta.cursor ?? "";
} while (cursor);

for (const number of numbers) {
  const address = `${env.PERMITS_URL}/v1/applications/${number}`;
  const application = await call(address);
  const checklist = application && (await call(`${address}/checklist`));
  if (!checklist) continue;
  const lacking = checklist.body.data.some((item) => item.required && !item.fulfilled);
  const decision = lacking ? ["11", "documents_incomplete"] : await verify(application.body.applicant);
  if (!decision) continue;
  const [status, reason_code] = decision;
  await call(`${address}/decisions`, { status, reason_code }, { "If-Match": application.etag });
}
