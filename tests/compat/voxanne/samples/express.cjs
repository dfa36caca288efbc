// What the handler stands in: Express, its customer's own functions, and a server that says on its
// first line where it listens.
const { createHmac, timingSafeEqual } = require('node:crypto');
const express = require('express');

const app = express();
app.use(express.json());
app.listen(0, '127.0.0.1', function () { console.log(this.address().port); });

function verifySignature(event, signature) {
  const expected = createHmac('sha256', process.env.SECRET).update(JSON.stringify(event)).digest('hex');
  return signature?.length === expected.length && timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
}
async function saveCallToDatabase(call) { console.log('Saved:', call.status); }
async function sendConfirmationEmail(appointment) { console.log('Mailed:', appointment.id); }
