// Create a new AI agent
const response = await fetch('https://api.voxanne.ai/api/agents', {
  method: 'POST',
  headers: {
    'Authorization': 'Bearer YOUR_API_KEY',
    'Content-Type': 'application/json'
  },
  body: JSON.stringify({
    name: 'Front Desk Agent',
    voice_provider: 'elevenlabs',
    voice_id: 'rachel',
    prompt: 'You are a friendly medical receptionist...',
    tools: ['book_appointment', 'check_availability']
  })
});

const agent = await response.json();
console.log('Agent created:', agent.id);
