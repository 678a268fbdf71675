import { builtIn, durationsIn, type Locale } from './locale.js';

const durations = durationsIn('id');

export const id: Locale = builtIn({
  tag: 'id',
  dir: 'ltr',
  answers: {
    sent: 'Kami telah mengirimkan kode kepada Anda. Silakan periksa email Anda.',
    verified: 'Alamat email Anda telah diverifikasi.',
    invalid_request: 'Periksa kembali data yang Anda masukkan.',
    refused: 'Permintaan ini ditolak.',
    captcha: 'Konfirmasi bahwa Anda bukan robot, lalu coba lagi.',
    too_many_requests: (seconds) => `Terlalu banyak permintaan. Coba lagi dalam ${durations.wait(seconds)}.`,
    delivery_failed: 'Email tidak dapat dikirim. Coba lagi nanti.',
    recipient_refused: 'Email tidak dapat dikirim ke alamat tersebut. Periksa alamatnya, lalu coba lagi.',
    delivery_unknown: 'Email mungkin tiba sedikit terlambat. Jika tiba, kode di dalamnya dapat digunakan.',
    unavailable: 'Layanan sedang tidak tersedia. Silakan coba beberapa saat lagi.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? 'Kode salah. Silakan minta kode baru.'
        : `Kode salah. Anda masih memiliki ${attemptsLeft} kesempatan.`,
    code_expired: 'Kode ini sudah tidak berlaku. Silakan minta kode baru.',
    code_outdated: 'Kode ini berasal dari email sebelumnya. Masukkan kode dari email terbaru.',
    email_not_verified: 'Verifikasi alamat email Anda terlebih dahulu.',
  },
  fields: {
    body: 'Permintaan tidak dapat dibaca. Kirim JSON atau formulir.',
    email: 'Masukkan alamat email yang valid.',
    emailNotString: 'Kolom email harus berupa string.',
    code: (length) => `Masukkan ${length} digit kode verifikasi.`,
    letterCode: 'Masukkan kode verifikasi 8 huruf.',
    codeNotString: 'Kolom code harus berupa string.',
    challengeId: 'Kolom challengeId harus berupa string.',
    locale: 'Kolom locale harus berupa string.',
  },
  mail: {
    subject: (appName) => `Kode verifikasi ${appName} Anda`,
    subjectWithCode: (appName, code) => `${code} adalah kode verifikasi ${appName} Anda`,
    preview: (appName) => `Masukkan kode untuk memverifikasi alamat email Anda di ${appName}.`,
    heading: 'Verifikasi alamat email Anda',
    instruction: (appName) => `Masukkan kode ini untuk melanjutkan di ${appName}:`,
    expiry: (seconds) =>
      `Kode ini akan kedaluwarsa dalam ${durations.exact(seconds)} dan hanya dapat digunakan satu kali.`,
    requestedFor: (email) => `Kode ini diminta untuk ${email}.`,
    ignore: 'Jika Anda tidak meminta kode ini, abaikan email ini. Jangan berikan kode ini kepada siapa pun.',
  },
});
