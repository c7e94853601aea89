"""What the set-up says, in Bahasa Indonesia and English.

The sentences stand here and not in a gettext catalogue, because the set-up must be able to speak before anything is
installed, and from a copy of the lab that lost a file.
"""

TEXTS: dict[str, tuple[str, str]] = {
    "about": (
        "Menyiapkan lab: membuat .venv dan lingkungan program peserta. Aman dijalankan berulang kali.",
        "Sets the lab up: makes .venv and the environment of participants' programs. Safe to run again.",
    ),
    "dev_help": (
        "pasang juga alat pengembang (pengujian dan pemeriksaan kode)",
        "also install the developers' tools (tests and code checks)",
    ),
    "need_venv": (
        "Python {found} ini belum dapat membuat lingkungan virtual (modul {module} tidak ada).\n"
        "Pasang dahulu, lalu ulangi perintah tadi:\n"
        "  Debian/Ubuntu : sudo apt install python{minor}-venv",
        "This Python {found} cannot make virtual environments yet (module {module} is missing).\n"
        "Install it, then repeat your command:\n"
        "  Debian/Ubuntu : sudo apt install python{minor}-venv",
    ),
    "no_network": (
        "Paket belum dapat diunduh: tempat paket Python tidak terjangkau.\n"
        "Internet diperlukan sekali saja, untuk penyiapan ini (sekitar {megabytes} MB). Sambungkan, lalu ulangi\n"
        "perintah tadi. Di balik proksi, isi HTTPS_PROXY lebih dahulu.",
        "The packages could not be downloaded: the place of Python packages cannot be reached.\n"
        "The internet is needed once, for this set-up (about {megabytes} MB). Connect, then repeat your command.\n"
        "Behind a proxy, set HTTPS_PROXY first.",
    ),
    "bad_hash": (
        "Paket yang terunduh tidak sama dengan yang tercatat di requirements/, jadi tidak dipasang.\n"
        "Biasanya unduhan rusak di jalan. Ulangi perintah tadi, bila perlu dari jaringan lain;\n"
        "jika tetap begini, beri tahu pelatih.",
        "A downloaded package is not the one recorded in requirements/, so it was not installed.\n"
        "Most often a download was damaged on its way. Repeat your command, from another network if need be;\n"
        "if this stays so, tell your trainer.",
    ),
    "bad_hash_in_kit": (
        "Sebuah paket di kit luring ini tidak sama dengan yang tercatat di requirements/, jadi tidak dipasang.\n"
        "Biasanya kit rusak saat disalin. Salin dan ekstrak kit sekali lagi, lalu ulangi perintah tadi;\n"
        "jika tetap begini, beri tahu pelatih.",
        "A package in this offline kit is not the one recorded in requirements/, so it was not installed.\n"
        "Most often the kit was damaged while it was copied. Copy and unpack it once more, then repeat your command;\n"
        "if this stays so, tell your trainer.",
    ),
    "kit_lacks": (
        "Kit luring ini tidak memuat semua paket untuk komputer ini ({found}).\n"
        "Kit ini untuk: {covered}.\n"
        "Sekarang dicoba lewat internet. Tanpa internet: pasang salah satu versi Python itu, ulangi perintah tadi.",
        "This offline kit has not every package for this computer ({found}).\n"
        "It is for: {covered}.\n"
        "Trying the internet now. Without it, install one of those versions of Python, then repeat your command.",
    ),
    "disk_full": (
        "Ruang disk tidak cukup: penyiapan memerlukan {needed} MB, sedangkan yang tersisa {free} MB\n"
        "di {path}.\n"
        "Kosongkan sebagian, lalu ulangi perintah tadi.",
        "Not enough disk space: the set-up needs {needed} MB, and {free} MB are left at {path}.\n"
        "Free some, then repeat your command.",
    ),
    "quota_full": (
        "Jatah ruang disk pengguna ini di {path} sudah habis.\nKosongkan sebagian, lalu ulangi perintah tadi.",
        "This user's share of the disk at {path} is used up.\nFree some of it, then repeat your command.",
    ),
    "not_writable": (
        "Folder {path} tidak dapat ditulisi oleh pengguna ini.\n"
        "Salin lab ke folder milik Anda sendiri, lalu ulangi perintah tadi.",
        "This user may not write to {path}.\nCopy the lab to a folder of your own, then repeat your command.",
    ),
    "separator_in_path": (
        'Lab berada di {path}. Python tidak dapat membuat lingkungan di folder yang namanya memuat "{separator}".\n'
        "Pindahkan lab ke folder lain, lalu ulangi perintah tadi.",
        'The lab is at {path}. Python cannot make an environment in a folder whose name has "{separator}" in it.\n'
        "Move the lab to another folder, then repeat your command.",
    ),
    "step_failed": (
        "Langkah tadi tidak berhasil. Bagian akhir catatannya:\n{detail}\n"
        "Catatan lengkap ada di {log}. Ulangi perintah tadi; jika tetap begini, kirim berkas itu kepada pelatih.",
        "That step did not succeed. The end of its log:\n{detail}\n"
        "The whole log is in {log}. Repeat your command; if this stays so, send that file to your trainer.",
    ),
    "file_missing": (
        "Berkas {path} tidak ada, jadi salinan lab ini tidak lengkap.\nAmbil (clone) lab ini sekali lagi.",
        "The file {path} is missing, so this copy of the lab is incomplete.\nClone the lab again.",
    ),
    "waiting": (
        "Penyiapan lain sedang berjalan; menunggu sampai selesai …",
        "Another set-up is running; waiting for it to end …",
    ),
    "waited_too_long": (
        "Penyiapan lain belum selesai setelah {minutes} menit. Tutup penyiapan itu, lalu ulangi perintah tadi.",
        "Another set-up has not ended after {minutes} minutes. Close it, then repeat your command.",
    ),
    "interrupted": (
        "Penyiapan dihentikan. Jalankan perintah yang sama untuk melanjutkan.",
        "The set-up was stopped. Give the same command to carry on.",
    ),
    "starting": (
        "Menyiapkan lab. Ini hanya sekali; unduhannya sekitar {megabytes} MB.",
        "Setting the lab up. This happens once; the download is about {megabytes} MB.",
    ),
    "mending": (
        "Menyiapkan lab dari paket yang sudah terunduh; internet tidak diperlukan.",
        "Setting the lab up from packages that are here already; no internet is needed.",
    ),
    "half_made": (
        "Penyiapan sebelumnya belum tuntas atau lab pindah tempat; lingkungannya dibuat lagi.",
        "The last set-up was not finished, or the lab was moved; its environment is made again.",
    ),
    "set_aside": (
        "Folder .venv yang bukan buatan lab ini dipindahkan ke {path}.",
        "The folder .venv, which this lab did not make, was moved to {path}.",
    ),
    "step_venv": ("Membuat lingkungan Python", "Making the Python environment"),
    "step_download": ("Mengunduh paket", "Downloading packages"),
    "step_kit": ("Mengambil paket dari kit luring", "Taking packages from the offline kit"),
    "step_install": ("Memasang paket", "Installing packages"),
    "step_lab": ("Memasang perintah lab", "Installing the lab command"),
    "step_learner": ("Membuat lingkungan program peserta", "Making the environment of participants' programs"),
    "retrying": ("sambungan terputus, mencoba lagi", "the connection broke, trying again"),
    "seconds": ("{seconds:.0f} detik", "{seconds:.0f} s"),
    "done": ("Lab siap.", "The lab is ready."),
}


def sentence(key: str, language: str, **fields: object) -> str:
    """Gives the sentence `key` with its fields filled in, in English where `language` is `en`, else in Indonesian."""
    return TEXTS[key][language == "en"].format(**fields)
