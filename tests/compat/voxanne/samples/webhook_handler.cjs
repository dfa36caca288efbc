// Handle webhook events (Node.js/Express)
app.post('/webhooks/vapi', async (req, res) => {
  const event = req.body;

  // Verify webhook signature (recommended)
  const signature = req.headers['x-vapi-signature'];
  if (!verifySignature(event, signature)) {
    return res.status(401).send('Invalid signature');
  }

  // Process event
  switch (event.type) {
    case 'call.started':
      console.log('Call started:', event.call.id);
      break;
    case 'call.ended':
      console.log('Call ended:', event.call.id);
      await saveCallToDatabase(event.call);
      break;
    case 'appointment.booked':
      console.log('Appointment booked:', event.appointment);
      await sendConfirmationEmail(event.appointment);
      break;
  }

  res.status(200).send('OK');
});
