// What the handler stands in: as much of Express as it uses, its customer's own functions, and a
// server that says on its first line where it listens.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const handlers = new Map();
globalThis.app = { post: (path, handler) => handlers.set(path, handler) };

globalThis.verifySignature = (event, signature) => {
  const expected = createHmac('sha256', process.env.SECRET).update(JSON.stringify(event)).digest('hex');
  return signature?.length === expected.length && timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
};
globalThis.saveCallToDatabase = async (call) => console.log('Saved:', call.status);
globalThis.sendConfirmationEmail = async (appointment) => console.log('Mailed:', appointment.id);

const server = createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  req.body = JSON.parse(Buffer.concat(chunks).toString());
  res.status = (code) => { res.statusCode = code; return res; };
  res.send = (text) => res.end(text);
  await handlers.get(req.url)(req, res);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
