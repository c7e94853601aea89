// Right, in JavaScript.
import { readFile } from "node:fs/promises";

const { IDENTITY_URL, POPULATION_URL, CLIENT_ID, CLIENT_SECRET } = process.env;

function wellFormed(nik) {
  if (!/^[1-9][0-9]{15}$/.test(nik) || nik.endsWith("0000")) return false;
  let day = Number(nik.slice(6, 8));
  if (day > 40) day -= 40;
  const month = Number(nik.slice(8, 10));
  return [1900, 2000].some((century) => {
    const date = new Date(Date.UTC(century + Number(nik.slice(10, 12)), month - 1, day));
    return day > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  });
}

const signIn = await fetch(`${IDENTITY_URL}/oauth2/token`, {
  method: "POST",
  headers: { Authorization: "Basic " + Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString("base64") },
  body: new URLSearchParams({ grant_type: "client_credentials" }),
});
const { access_token: token } = await signIn.json();

const BY_CODE = {
  13: ["ditolak", "tidak_terdaftar"],
  12: ["diperiksa", "ganda"],
  11: ["ditolak", "meninggal"],
  14: ["diperiksa", "nonaktif"],
};

async function decide(person) {
  if (!wellFormed(person.nik)) return ["ditolak", "format"];
  const response = await fetch(`${POPULATION_URL}/dukcapil/get_json/LOKET/CALL_VERIFY_BY_ELEMEN`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      TRESHOLD: "90",
      NIK: person.nik,
      NAMA_LGKP: person.nama,
      TGL_LHR: person.tgl_lahir.split("-").reverse().join("-"),
      JENIS_KLMIN: person.jenis_kelamin === "L" ? "Laki-Laki" : "Perempuan",
    }),
  });
  const [answer] = (await response.json()).content;
  if (answer.RESPONSE_CODE) return BY_CODE[answer.RESPONSE_CODE];
  const differs = (element) => !answer[element].startsWith("Sesuai");
  if (differs("NAMA_LGKP")) return ["diperiksa", "nama"];
  if (differs("TGL_LHR")) return ["diperiksa", "tanggal_lahir"];
  if (differs("JENIS_KLMIN")) return ["diperiksa", "jenis_kelamin"];
  return ["diterima", "sesuai"];
}

const people = JSON.parse(await readFile("pendaftar.json", "utf8"));
const rows = [];
for (const person of people) {
  const [keputusan, alasan] = await decide(person);
  rows.push({ nomor: person.nomor, keputusan, alasan });
}
console.log(JSON.stringify(rows));
