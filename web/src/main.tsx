import './app/styles';
