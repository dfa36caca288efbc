const axios = require('axios');

async function triggerCall(agentId, phoneNumber, variables = {}) {
  const response = await axios.post(
    'https://app.voxpria.com/api/v1/calls',
    {
      agentId,
      toNumber: phoneNumber,
      variables
    },
    {
      headers: {
        'Authorization': `Bearer ${process.env.VOXPRIA_API_KEY}`,
        'Content-Type': 'application/json'
      }
    }
  );
  return response.data;
}

// Usage
const result = await triggerCall(
  'agent_abc123',
  '+14155551234',
  { customerName: 'John Doe' }
);
console.log('Call ID:', result.data.callId);
