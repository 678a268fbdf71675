import { builtIn, durationsIn, type Locale } from './locale.js';

const durations = durationsIn('vi');

export const vi: Locale = builtIn({
  tag: 'vi',
  dir: 'ltr',
  answers: {
    sent: 'Chúng tôi đã gửi mã cho bạn. Vui lòng kiểm tra email.',
    verified: 'Địa chỉ email của bạn đã được xác minh.',
    invalid_request: 'Vui lòng kiểm tra lại thông tin đã nhập.',
    refused: 'Yêu cầu này đã bị từ chối.',
    captcha: 'Vui lòng xác nhận bạn không phải là robot rồi thử lại.',
    too_many_requests: (seconds) => `Quá nhiều yêu cầu. Vui lòng thử lại sau ${durations.wait(seconds)}.`,
    delivery_failed: 'Không thể gửi email. Vui lòng thử lại sau.',
    recipient_refused: 'Không thể gửi email đến địa chỉ này. Vui lòng kiểm tra địa chỉ và thử lại.',
    delivery_unknown: 'Email có thể đến chậm một chút. Nếu nhận được, bạn có thể dùng mã trong đó.',
    unavailable: 'Dịch vụ hiện không khả dụng. Vui lòng thử lại sau giây lát.',
    code_incorrect: (attemptsLeft) =>
      attemptsLeft === 0
        ? 'Mã không đúng. Vui lòng yêu cầu mã mới.'
        : `Mã không đúng. Bạn còn ${attemptsLeft} lần thử.`,
    code_expired: 'Mã này không còn hiệu lực. Vui lòng yêu cầu mã mới.',
    code_outdated: 'Đây là mã trong email trước đó. Vui lòng nhập mã trong email mới nhất.',
    email_not_verified: 'Vui lòng xác minh địa chỉ email trước.',
  },
  fields: {
    body: 'Không thể đọc yêu cầu. Vui lòng gửi JSON hoặc biểu mẫu.',
    email: 'Vui lòng nhập địa chỉ email hợp lệ.',
    emailNotString: 'Trường email phải là một chuỗi.',
    code: (length) => `Vui lòng nhập mã gồm ${length} chữ số.`,
    letterCode: 'Vui lòng nhập mã gồm 8 chữ cái.',
    codeNotString: 'Trường code phải là một chuỗi.',
    challengeId: 'Trường challengeId phải là một chuỗi.',
    locale: 'Trường locale phải là một chuỗi.',
  },
  mail: {
    subject: (appName) => `Mã xác minh ${appName} của bạn`,
    subjectWithCode: (appName, code) => `${code} là mã xác minh ${appName} của bạn`,
    preview: (appName) => `Nhập mã để xác minh địa chỉ email của bạn trên ${appName}.`,
    heading: 'Xác minh địa chỉ email',
    instruction: (appName) => `Nhập mã này để tiếp tục với ${appName}:`,
    expiry: (seconds) => `Mã này sẽ hết hạn sau ${durations.exact(seconds)} và chỉ dùng được một lần.`,
    requestedFor: (email) => `Mã này được yêu cầu cho địa chỉ ${email}.`,
    ignore: 'Nếu bạn không yêu cầu mã này, hãy bỏ qua email này. Không chia sẻ mã với bất kỳ ai.',
  },
});
